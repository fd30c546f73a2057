import { describe, expect, it } from 'vitest';
import type { NewRecord } from '#events/domain/event-record.js';
import { TOPICS } from '#events/domain/topics.js';
import { createMemoryLog } from '../event-log.module.js';
import type { CheckpointStore } from '../ports/checkpoint-store.js';
import { type Shipper, SHIPPER_GROUP, shipRecords } from './ship-records.js';
import type { RecordSink, SinkOutcome } from './ship-topic.js';

const BYTES_MAX = 1000;

/** A shared log in memory that takes records up to a size and can be made to fail. */
class MemorySink implements RecordSink {
  readonly records: NewRecord[] = [];
  sends = 0;
  failures = 0;
  /** Stores the records of a failing send all the same, as a broker does whose acknowledgement is lost. */
  losesAcknowledgements = false;
  takes = (record: NewRecord): boolean => record.value.length <= BYTES_MAX;

  async send(records: readonly NewRecord[]): Promise<SinkOutcome> {
    this.sends += 1;
    const index = records.findIndex((record) => !this.takes(record));
    if (this.failures > 0) {
      this.failures -= 1;
      if (this.losesAcknowledgements) this.records.push(...records);
      throw new Error('away');
    }
    this.records.push(...(index === -1 ? records : records.slice(0, index)));
    return index === -1 ? { kind: 'acked' } : { kind: 'too_large', index };
  }

  async close(): Promise<void> {}

  values(topic: string): string[] {
    return this.records
      .filter((record) => record.topic === topic)
      .map(({ value }) => (typeof value === 'string' ? value : new TextDecoder().decode(value)));
  }
}

function given(change: { checkpoints?: CheckpointStore } = {}) {
  const spool = createMemoryLog();
  const sink = new MemorySink();
  const errors: unknown[] = [];
  const checkpoints = change.checkpoints ?? spool.checkpoints;
  const ship = (): Shipper =>
    shipRecords({
      reader: spool.reader,
      checkpoints,
      sink,
      partition: 0,
      pollMs: 50,
      onError: (error) => errors.push(error),
    });
  return { spool, sink, errors, checkpoints, ship };
}

const record = (topic: string, value: string, key = 'k'): NewRecord => ({
  topic,
  key,
  value,
  headers: { ce_id: value.slice(0, 20), ce_type: 'test' },
});
const numbered = (topic: string, from: number, count: number): NewRecord[] =>
  Array.from({ length: count }, (_, n) => record(topic, String(from + n)));
const texts = (from: number, count: number): string[] => Array.from({ length: count }, (_, n) => String(from + n));

async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!check()) {
    if (performance.now() > end) throw new Error(`did not happen: ${check.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

describe('shipping a spool', () => {
  it('brings every record over with its key, headers and bytes, in order within a topic', async () => {
    const { spool, sink, ship } = given();
    spool.writer.append([...numbered(TOPICS.requests, 0, 1500), record(TOPICS.receipts, '{"é":1}', 'r-1')]);

    const shipper = ship();
    await until(() => sink.records.length === 1501);
    spool.writer.append(numbered(TOPICS.requests, 1500, 10));
    await until(() => sink.records.length === 1511);
    await shipper.stop();

    expect(sink.values(TOPICS.requests)).toEqual(texts(0, 1510));
    expect(sink.records.find(({ topic }) => topic === TOPICS.receipts)).toMatchObject({
      key: 'r-1',
      headers: { ce_id: '{"é":1}', ce_type: 'test' },
    });
    expect(sink.values(TOPICS.receipts)).toEqual(['{"é":1}']);
    expect(shipper.status()).toMatchObject({ state: 'stopped', lagRecords: 0n, shippedRecords: 1511, deadLetters: 0 });
  });

  it('saves its checkpoint after the acknowledgement and resumes there', async () => {
    const { spool, sink, checkpoints, ship } = given();
    spool.writer.append(numbered(TOPICS.receipts, 0, 20));
    const first = ship();
    await until(() => sink.records.length === 20);
    await first.stop();

    expect(await checkpoints.load(SHIPPER_GROUP, TOPICS.receipts, 0)).toBe(20n);
    spool.writer.append(numbered(TOPICS.receipts, 20, 5));
    const second = ship();
    await until(() => sink.records.length === 25);
    await second.stop();

    expect(sink.values(TOPICS.receipts)).toEqual(texts(0, 25));
  });

  it('loses nothing and keeps order while the shared log is away, and says so', async () => {
    const { spool, sink, errors, checkpoints, ship } = given();
    sink.failures = 3;
    spool.writer.append(numbered(TOPICS.receipts, 0, 8));

    const shipper = ship();
    await until(() => shipper.status().state === 'waiting');
    const away = shipper.status();
    const placeWhileAway = await checkpoints.load(SHIPPER_GROUP, TOPICS.receipts, 0);
    await until(() => sink.records.length === 8);
    await shipper.stop();

    expect(placeWhileAway).toBeNull();
    expect(away.lagRecords).toBe(8n);
    expect(away.behindMs).toBeGreaterThan(0);
    expect(errors).toHaveLength(3);
    expect(sink.values(TOPICS.receipts)).toEqual(texts(0, 8));
  });

  it('sends again what may not have arrived: doubled is legal, lost is not', async () => {
    const { spool, sink, ship } = given();
    sink.failures = 1;
    sink.losesAcknowledgements = true;
    spool.writer.append(numbered(TOPICS.receipts, 0, 4));

    const shipper = ship();
    await until(() => sink.records.length === 8);
    await shipper.stop();

    expect(sink.values(TOPICS.receipts)).toEqual([...texts(0, 4), ...texts(0, 4)]);
  });

  it('buries a record that is too large with its bytes and goes on', async () => {
    const { spool, sink, errors, ship } = given();
    const big = 'x'.repeat(BYTES_MAX + 1);
    sink.takes = ({ topic, value }) => topic.endsWith('.dlq') || value.length <= BYTES_MAX;
    spool.writer.append([
      ...numbered(TOPICS.content, 0, 3),
      record(TOPICS.content, big),
      record(TOPICS.content, 'after'),
    ]);

    const shipper = ship();
    await until(() => sink.records.length === 5);
    await shipper.stop();

    expect(sink.values(TOPICS.content)).toEqual(['0', '1', '2', 'after']);
    expect(sink.values(`${TOPICS.content}.dlq`)).toEqual([big]);
    const letter = sink.records.find(({ topic }) => topic.endsWith('.dlq'));
    expect(letter?.headers).toMatchObject({ 'x-source': `${TOPICS.content}:0:3`, ce_type: 'test' });
    expect(shipper.status().deadLetters).toBe(1);
    expect(errors).toHaveLength(1);
  });

  it('buries the digest alone when even the dead letters do not take the bytes', async () => {
    const { spool, sink, ship } = given();
    const big = 'x'.repeat(BYTES_MAX + 1);
    spool.writer.append([record(TOPICS.content, big), record(TOPICS.content, 'after')]);

    const shipper = ship();
    await until(() => sink.records.length === 2);
    await shipper.stop();

    const letter = sink.records.find(({ topic }) => topic.endsWith('.dlq'));
    expect(letter).toMatchObject({ value: '', headers: { 'x-value-bytes': String(BYTES_MAX + 1) } });
    expect(letter?.headers['x-value-sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(sink.values(TOPICS.content)).toEqual(['after']);
  });

  it('ships the other topics while one is refused', async () => {
    const { spool, sink, ship } = given();
    const send = sink.send.bind(sink);
    sink.send = (records) =>
      records[0]?.topic === TOPICS.content ? Promise.reject(new Error('not allowed')) : send(records);
    spool.writer.append([record(TOPICS.content, 'stuck'), ...numbered(TOPICS.receipts, 0, 3)]);

    const shipper = ship();
    await until(() => sink.records.length === 3);
    await shipper.stop(50);

    expect(sink.values(TOPICS.receipts)).toEqual(texts(0, 3));
    expect(shipper.status().lagRecords).toBe(1n);
  });

  it('ships what is there when it is stopped, and stops in time when it cannot', async () => {
    const { spool, sink, ship } = given();
    const drained = ship();
    spool.writer.append(numbered(TOPICS.receipts, 0, 2500));
    await drained.stop();
    const afterDrain = sink.records.length;

    sink.failures = 1_000_000;
    spool.writer.append(numbered(TOPICS.receipts, 2500, 1));
    const started = performance.now();
    await ship().stop(100);
    const stoppedMs = performance.now() - started;
    const afterFailure = sink.records.length;
    sink.failures = 0;
    await ship().stop();

    expect(afterDrain).toBe(2500);
    expect(stoppedMs).toBeLessThan(1000);
    expect(afterFailure).toBe(2500);
    expect(sink.values(TOPICS.receipts)).toEqual(texts(0, 2501));
  });

  it('does not skip new records when a power cut took shipped ones from the spool', async () => {
    const { spool, sink, errors, checkpoints, ship } = given();
    spool.writer.append(numbered(TOPICS.receipts, 0, 3));
    await checkpoints.save(SHIPPER_GROUP, TOPICS.receipts, 0, 7n);

    const shipper = ship();
    await until(() => errors.length === 1);
    spool.writer.append([record(TOPICS.receipts, 'new')]);
    await until(() => sink.records.length === 1);
    await shipper.stop();

    expect(sink.values(TOPICS.receipts)).toEqual(['new']);
  });
});
