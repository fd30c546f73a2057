import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { logUnavailable } from '../../domain/log-unavailable.js';
import type {
  Appended,
  EventLogReader,
  EventLogWriter,
  ReadLimits,
  RecordBatch,
  TopicPosition,
} from '../../ports/event-log.js';

const PARTITION = 0;
const encoder = new TextEncoder();
const SETTLED: Promise<void> = Promise.resolve();

/** The records of a memory log, shared by its writer and its readers. */
class MemoryRecords {
  readonly #topics = new Map<string, StoredRecord[]>();
  readonly #waiting = new Set<() => void>();

  of(topic: string): readonly StoredRecord[] {
    return this.#topics.get(topic) ?? [];
  }

  add(records: readonly NewRecord[]): void {
    for (const { topic, key, value, headers } of records) {
      const stored = this.#topics.get(topic) ?? [];
      if (stored.length === 0) this.#topics.set(topic, stored);
      stored.push({
        topic,
        partition: PARTITION,
        offset: BigInt(stored.length),
        key,
        value: typeof value === 'string' ? encoder.encode(value) : Uint8Array.from(value),
        headers: { ...headers },
      });
    }
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next append, after `ms`, or when the signal aborts. */
  waitForMore(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}

class MemoryLogWriter implements EventLogWriter {
  healthy = true;
  readonly #records: MemoryRecords;

  constructor(records: MemoryRecords) {
    this.#records = records;
  }

  append(records: readonly NewRecord[]): Appended {
    if (!this.healthy) {
      const refused = Promise.reject<void>(logUnavailable('the log is closed'));
      refused.catch(() => {});
      return { written: refused, durable: refused };
    }
    this.#records.add(records);
    return { written: SETTLED, durable: SETTLED };
  }

  async close(): Promise<void> {
    this.healthy = false;
  }
}

class MemoryLogReader implements EventLogReader {
  readonly #records: MemoryRecords;

  constructor(records: MemoryRecords) {
    this.#records = records;
  }

  async partitions(_topic: string): Promise<readonly number[]> {
    return [PARTITION];
  }

  async bounds(topic: string, partition: number): Promise<{ readonly first: bigint; readonly head: bigint }> {
    return { first: 0n, head: partition === PARTITION ? BigInt(this.#records.of(topic).length) : 0n };
  }

  async read(from: TopicPosition, limits: ReadLimits, signal?: AbortSignal): Promise<RecordBatch> {
    const until = performance.now() + limits.waitMs;
    for (;;) {
      const batch = this.#take(from, limits);
      const waitMs = Math.ceil(until - performance.now());
      if (batch.records.length > 0 || waitMs <= 0 || signal?.aborted === true) return batch;
      await this.#records.waitForMore(waitMs, signal);
    }
  }

  async close(): Promise<void> {}

  #take({ topic, partition, offset }: TopicPosition, { recordsMax, bytesMax }: ReadLimits): RecordBatch {
    const kept = partition === PARTITION ? this.#records.of(topic) : [];
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (let n = Number(offset); n < kept.length && records.length < recordsMax; n += 1) {
      const record = kept[n] as StoredRecord;
      bytes += record.value.length;
      if (records.length > 0 && bytes > bytesMax) break;
      records.push(record);
    }
    const nextOffset = offset + BigInt(records.length);
    return { topic, partition, records, nextOffset, headOffset: BigInt(kept.length) };
  }
}

/** The reference log: one partition, in the memory of the process, `written` and `durable` at once. For tests. */
export function openMemoryRecords(): { readonly writer: EventLogWriter; readonly reader: EventLogReader } {
  const records = new MemoryRecords();
  return { writer: new MemoryLogWriter(records), reader: new MemoryLogReader(records) };
}
