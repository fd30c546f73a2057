import { createHash } from 'node:crypto';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { pass } from '#events/ports/failpoint.js';
import type { CheckpointStore } from '../ports/checkpoint-store.js';
import type { EventLogReader, RecordBatch } from '../ports/event-log.js';
import { backoffMs, pause } from './backoff.js';
import { toDeadLetter } from './dead-letter.js';

/** `too_large`: the record at `index` is taken by no broker; those before it are acknowledged, those after are not sent. */
export type SinkOutcome = { readonly kind: 'acked' } | { readonly kind: 'too_large'; readonly index: number };

/** Where the shipper brings records: acknowledged by all in-sync replicas, in order within a topic and key. */
export interface RecordSink {
  /** Rejects when the records were not acknowledged; some of them may have been stored. */
  send(records: readonly NewRecord[]): Promise<SinkOutcome>;
  close(): Promise<void>;
}

interface ShipLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
  /** How long a read waits for records, and so the longest delay where the reader cannot be woken. */
  readonly pollMs: number;
}

interface ShipTopicInit {
  readonly reader: EventLogReader;
  readonly checkpoints: CheckpointStore;
  readonly sink: RecordSink;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly limits: ShipLimits;
  /** Aborted when a stop begins: no more waiting for new records, but what is there is still shipped. */
  readonly draining: AbortSignal;
  /** Aborted when the time for that is over. */
  readonly stopped: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const BACKOFF_MS_MAX = 5000;
const SLOW_MS = 2000;

/** Ships one topic of one spool partition, in order, each batch once it is acknowledged and again when that is unknown. */
export class TopicShipper {
  readonly #init: ShipTopicInit;
  #next = 0n;
  #head = 0n;
  #shipped = 0;
  #deadLetters = 0;
  #failures = 0;
  #behindSince: number | null = null;
  #sendingSince: number | null = null;
  #abandoned = false;

  constructor(init: ShipTopicInit) {
    this.#init = init;
  }

  get topic(): string {
    return this.#init.topic;
  }

  /** Next offset to ship, next offset that the spool will use, and what was done so far. */
  get progress(): {
    readonly next: bigint;
    readonly head: bigint;
    readonly shipped: number;
    readonly deadLetters: number;
    /** The last try failed, or has had no answer for 2 s. */
    readonly waiting: boolean;
    readonly behindMs: number;
  } {
    return {
      next: this.#next,
      head: this.#head,
      shipped: this.#shipped,
      deadLetters: this.#deadLetters,
      waiting: this.#failures > 0 || (this.#sendingSince !== null && performance.now() - this.#sendingSince > SLOW_MS),
      behindMs: this.#behindSince === null ? 0 : performance.now() - this.#behindSince,
    };
  }

  /** The head is otherwise known only from reads, and none is made while a batch waits for the broker. */
  async refreshHead(): Promise<void> {
    const { reader, topic, partition } = this.#init;
    this.#see((await reader.bounds(topic, partition)).head);
  }

  /** What a send in hand still brings is not saved any more. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Never rejects; ends when drained after a stop has begun, or when stopped. */
  async run(): Promise<void> {
    const { draining, stopped, reader, topic, partition, limits } = this.#init;
    if ((await this.#untilDone(() => this.#findPlace())) === null) return;
    while (!stopped.aborted) {
      const wasDraining = draining.aborted;
      const at = { topic, partition, offset: this.#next };
      const waiting = { ...limits, waitMs: wasDraining ? 0 : limits.pollMs };
      const batch = await this.#untilDone(() =>
        wasDraining ? reader.read(at, waiting) : reader.read(at, waiting, draining),
      );
      if (batch === null) return;
      this.#see(batch.headOffset);
      if (batch.records.length > 0) {
        if ((await this.#untilDone(() => this.#ship(batch))) === null) return;
      } else if (wasDraining) return;
    }
  }

  async #findPlace(): Promise<void> {
    const { reader, checkpoints, group, topic, partition, onError } = this.#init;
    const checkpoint = await checkpoints.load(group, topic, partition);
    const { first, head } = await reader.bounds(topic, partition);
    this.#next = checkpoint ?? first;
    if (this.#next > head) {
      // A power cut took records from the spool that were shipped already: their offsets go to new records.
      onError(new Error(`${this.#next - head} shipped records of ${topic} are no longer in the spool`));
      this.#next = head;
      await checkpoints.save(group, topic, partition, head);
    }
    if (checkpoint !== null && checkpoint < first) {
      onError(new Error(`${first - checkpoint} records of ${topic} left the spool before they were shipped`));
      this.#next = first;
    }
    this.#see(head);
  }

  async #ship(batch: RecordBatch): Promise<void> {
    const { sink, checkpoints, group, topic, partition } = this.#init;
    // After a failure some records of the batch are acknowledged already: they are not sent again.
    let rest = batch.records.filter(({ offset }) => offset >= this.#next);
    while (rest.length > 0) {
      this.#sendingSince = performance.now();
      const sending = sink.send(rest).finally(() => {
        this.#sendingSince = null;
      });
      pass('ship_sent');
      const outcome = await sending;
      pass('ship_acked');
      if (outcome.kind === 'acked') {
        this.#shipped += rest.length;
        break;
      }
      const tooLarge = rest[outcome.index] as StoredRecord;
      this.#shipped += outcome.index;
      this.#next = tooLarge.offset;
      await this.#bury(tooLarge);
      this.#next = tooLarge.offset + 1n;
      rest = rest.slice(outcome.index + 1);
    }
    this.#next = batch.nextOffset;
    this.#see(batch.headOffset);
    if (!this.#abandoned) await checkpoints.save(group, topic, partition, this.#next);
  }

  async #bury(record: StoredRecord): Promise<void> {
    const { sink, onError } = this.#init;
    const letter = toDeadLetter(record, 'larger than the broker takes');
    if ((await sink.send([letter])).kind === 'too_large') {
      const digest = createHash('sha256').update(record.value).digest('hex');
      const headers = { ...letter.headers, 'x-value-bytes': String(record.value.length), 'x-value-sha256': digest };
      await sink.send([{ ...letter, value: '', headers }]);
    }
    this.#deadLetters += 1;
    onError(new Error(`record ${letter.headers['x-source']} went to the dead letters: larger than the broker takes`));
  }

  /** Tries for ever, with growing waits; `null` when stopped first. */
  async #untilDone<T>(work: () => Promise<T>): Promise<T | null> {
    const { stopped, onError } = this.#init;
    while (!stopped.aborted) {
      try {
        const result = await work();
        this.#failures = 0;
        return result;
      } catch (error) {
        if (stopped.aborted) break;
        this.#failures += 1;
        onError(error);
        await pause(Math.min(BACKOFF_MS_MAX, backoffMs(this.#failures)), stopped);
      }
    }
    return null;
  }

  #see(head: bigint): void {
    if (head > this.#head) this.#head = head;
    if (this.#next >= this.#head) this.#behindSince = null;
    else this.#behindSince ??= performance.now();
  }
}
