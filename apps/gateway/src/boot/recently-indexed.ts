import type { NewRecord } from '#events/domain/event-record.js';
import type { RecordBatch } from '#event-log/ports/event-log.js';

const COUNT_MAX = 10_000;

/** Remembers which content events were indexed when they were written, so that reading them back costs nothing. */
export class RecentlyIndexed {
  readonly #ids = new Set<string>();

  add(record: NewRecord): void {
    this.#ids.add(record.headers['ce_id'] ?? '');
    if (this.#ids.size <= COUNT_MAX) return;
    const oldest = this.#ids.values().next().value;
    if (oldest !== undefined) this.#ids.delete(oldest);
  }

  /** The batch without what was indexed already; each is left out once. */
  without(batch: RecordBatch): RecordBatch {
    return { ...batch, records: batch.records.filter((record) => !this.#ids.delete(record.headers['ce_id'] ?? '')) };
  }
}

/** A record that was just appended, as the indexer takes it. */
export function asBatch(record: NewRecord): RecordBatch {
  const value = typeof record.value === 'string' ? Buffer.from(record.value) : record.value;
  const { topic } = record;
  return {
    topic,
    partition: -1,
    records: [{ ...record, value, partition: -1, offset: 0n }],
    nextOffset: 0n,
    headOffset: 0n,
  };
}
