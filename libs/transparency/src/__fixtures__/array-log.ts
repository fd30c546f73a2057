import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

/** A log of one partition in an array. */
export interface ArrayLog {
  readonly writer: { append(records: readonly NewRecord[]): { readonly durable: Promise<void> } };
  readonly reader: EventLogReader;
}

export function createArrayLog(): ArrayLog {
  const topics = new Map<string, StoredRecord[]>();
  const of = (topic: string): StoredRecord[] => topics.get(topic) ?? topics.set(topic, []).get(topic) ?? [];
  return {
    writer: {
      append(records) {
        for (const { topic, key, value, headers } of records) {
          const stored = of(topic);
          const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
          stored.push({ topic, partition: 0, offset: BigInt(stored.length), key, value: bytes, headers });
        }
        return { durable: Promise.resolve() };
      },
    },
    reader: {
      partitions: async () => [0],
      bounds: async (topic) => ({ first: 0n, head: BigInt(of(topic).length) }),
      async read({ topic, offset }, { recordsMax, waitMs }, signal) {
        const until = performance.now() + waitMs;
        const stored = of(topic);
        while (stored.length <= Number(offset) && performance.now() < until) {
          if (signal?.aborted === true) break;
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        const records = stored.slice(Number(offset), Number(offset) + recordsMax);
        const nextOffset = offset + BigInt(records.length);
        return { topic, partition: 0, records, nextOffset, headOffset: BigInt(stored.length) };
      },
      close: async () => {},
    },
  };
}
