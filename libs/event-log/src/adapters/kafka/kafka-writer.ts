import type { NewRecord } from '#events/domain/event-record.js';
import { logUnavailable, PROBE_INTERVAL_MS } from '../../domain/log-unavailable.js';
import type { Appended, EventLogWriter } from '../../ports/event-log.js';
import { KafkaSink } from './kafka-sink.js';
import type { KafkaSettings } from './kafka-settings.js';

/** A send per event is what costs: appends of this long share one. */
const GATHER_MS = 5;
const RECORDS_MAX = 1000;

interface Pending {
  readonly records: readonly NewRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Appends to Kafka directly, for processes that own no spool. `written` and `durable` are the same moment: all in-sync
 * replicas have it. The records of one append that go to several partitions become readable one after the other.
 * While the broker is away appends wait up to about 10 s, then reject; a rejected record may still have been stored.
 */
export class KafkaWriter implements EventLogWriter {
  readonly #sink: KafkaSink;
  readonly #probe: () => Promise<void>;
  #pending: Pending[] = [];
  #pendingRecords = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #flushing: Promise<void> = Promise.resolve();
  #healthy = true;
  #closed = false;

  /** @param probe resolves when the broker answers; asked until it does after a failed append. */
  constructor(settings: KafkaSettings, probe: () => Promise<void>) {
    this.#sink = new KafkaSink(settings);
    this.#probe = probe;
  }

  get healthy(): boolean {
    return this.#healthy && !this.#closed;
  }

  append(records: readonly NewRecord[]): Appended {
    const appended = this.#closed
      ? Promise.reject<void>(logUnavailable('the log is closed'))
      : new Promise<void>((resolve, reject) => {
          this.#pending.push({ records, resolve, reject });
          this.#pendingRecords += records.length;
          if (this.#pendingRecords >= RECORDS_MAX) this.#flushSoon(0);
          else this.#flushSoon(GATHER_MS);
        });
    // A caller may wait for one of the two only.
    appended.catch(() => {});
    return { written: appended, durable: appended };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    await this.#flushing;
    await this.#sink.close();
  }

  #flushSoon(ms: number): void {
    if (this.#timer !== null && ms > 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), ms);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    this.#pendingRecords = 0;
    this.#flushing = this.#flushing.then(() => this.#send(batch));
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    try {
      const outcome = await this.#sink.send(batch.flatMap(({ records }) => records));
      if (outcome.kind === 'too_large') await this.#settleAround(batch, outcome.index);
      else for (const { resolve } of batch) resolve();
    } catch (error) {
      this.#becomeUnhealthy();
      for (const { reject } of batch) reject(logUnavailable('kafka produce failed', error));
    }
  }

  /** One append holds a record that no broker takes: it alone fails. */
  async #settleAround(batch: readonly Pending[], index: number): Promise<void> {
    let before = 0;
    for (const [n, { records, resolve, reject }] of batch.entries()) {
      before += records.length;
      if (index >= before) resolve();
      else {
        reject(logUnavailable('a record is larger than the broker takes'));
        const rest = batch.slice(n + 1);
        if (rest.length > 0) await this.#send(rest);
        return;
      }
    }
  }

  #becomeUnhealthy(): void {
    if (!this.#healthy || this.#closed) return;
    this.#healthy = false;
    const again = (): void => {
      if (this.#closed) return;
      this.#probe().then(
        () => {
          this.#healthy = true;
        },
        () => setTimeout(again, PROBE_INTERVAL_MS).unref(),
      );
    };
    again();
  }
}
