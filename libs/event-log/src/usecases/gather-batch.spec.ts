import { describe, expect, it } from 'vitest';
import type { EventLogReader, ReadLimits, RecordBatch, TopicPosition } from '../ports/event-log.js';
import { gatherBatch } from './gather-batch.js';

const VALUE = new Uint8Array(100);

/** A topic with `head` records of 100 bytes each. */
function readerOf(head: number): EventLogReader & { readonly reads: number } {
  const reader = {
    reads: 0,
    async read({ topic, partition, offset }: TopicPosition, limits: ReadLimits): Promise<RecordBatch> {
      reader.reads += 1;
      const fits = Math.max(1, Math.min(limits.recordsMax, Math.floor(limits.bytesMax / VALUE.length)));
      const count = Math.min(fits, head - Number(offset));
      const records = Array.from({ length: count }, (_, index) => {
        return { topic, partition, offset: offset + BigInt(index), key: 'k', value: VALUE, headers: {} };
      });
      return { topic, partition, records, nextOffset: offset + BigInt(count), headOffset: BigInt(head) };
    },
    partitions: async () => [0],
    bounds: async () => ({ first: 0n, head: BigInt(head) }),
    close: async () => {},
  };
  return reader;
}
const FROM: TopicPosition = { topic: 't', partition: 0, offset: 0n };
const never = new AbortController().signal;

describe('gathering a batch', () => {
  it('hands over at once what the bytes cut off of a backlog', async () => {
    const reader = readerOf(1_000);

    // a linger that no test would survive
    const batch = await gatherBatch(reader, FROM, { recordsMax: 500, lingerMs: 10_000_000, bytesMax: 1_050 }, never);

    expect(batch.records).toHaveLength(10);
    expect(reader.reads).toBe(1);
  });

  it('waits for company where there is no more yet', async () => {
    const reader = readerOf(3);

    const batch = await gatherBatch(reader, FROM, { recordsMax: 500, lingerMs: 20 }, never);

    expect(batch.records).toHaveLength(3);
    expect(reader.reads).toBeGreaterThan(1);
  });
});
