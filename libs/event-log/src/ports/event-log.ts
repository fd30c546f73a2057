import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';

/** What `append` gives back: two moments at which a record is safe from different deaths. */
export interface Appended {
  /** Handed to the operating system: survives a kill of this process. */
  readonly written: Promise<void>;
  /** On the device (or acknowledged by all in-sync brokers): survives a power cut. Group-committed. */
  readonly durable: Promise<void>;
}

/** Writes to the partition that this process owns. */
export interface EventLogWriter {
  /**
   * Appends records in order, all or none becoming readable together. Never blocks on the device.
   * Both promises reject with `RouterError` `receipt_log_unavailable` when the log cannot take the records
   * (disk full, failed sync); the caller then must not go upstream. Waiting for one of the two is enough.
   * @throws RangeError for a record that cannot be kept at all: over 128 MB, or more than 255 headers.
   *
   * @param urgency `now` (default): synced at once. `soon`: something slower is under way anyway; synced within 2 ms,
   *   and together with a `now` that comes before.
   */
  append(records: readonly NewRecord[], urgency?: 'now' | 'soon'): Appended;
  /** Can it take records now? False after a failed write until a probe write has worked again. */
  readonly healthy: boolean;
  /** Waits for all that was appended, then closes. Later appends are refused and `healthy` is false. */
  close(): Promise<void>;
}

/** Where a reader stands in one partition of one topic: the next offset to read. */
export interface TopicPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface ReadLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
  /** How long to wait for a first record; 0 returns at once. */
  readonly waitMs: number;
}

/** A contiguous run of records of one topic partition, in order; may be empty. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly StoredRecord[];
  /** Where to read on. Equals the asked offset when the batch is empty. */
  readonly nextOffset: bigint;
  /** The next offset that a writer will use, as known now: `head - nextOffset` is the lag. */
  readonly headOffset: bigint;
}

/** Reads any partition, from any process. */
export interface EventLogReader {
  /** Known partitions of a topic; grows when a further writer appears. */
  partitions(topic: string): Promise<readonly number[]>;
  /** First offset still kept and next offset to be written. */
  bounds(topic: string, partition: number): Promise<{ readonly first: bigint; readonly head: bigint }>;
  /**
   * Reads on from a position. An offset below `first` reads from `first`.
   * Only whole, checked records are given; a torn tail is simply not there yet.
   * An aborted wait resolves with an empty batch. `bytesMax` never keeps back the first record.
   */
  read(from: TopicPosition, limits: ReadLimits, signal?: AbortSignal): Promise<RecordBatch>;
  close(): Promise<void>;
}

export interface SubscribeOptions {
  /** Consumer group: its members share partitions (Kafka) and its checkpoint is kept under this name. */
  readonly group: string;
  readonly topics: readonly string[];
  /** Where a group without a checkpoint starts. */
  readonly startAt: 'first' | 'head';
  readonly recordsMax: number;
  /** Longest wait before a batch that is not full is handed over. */
  readonly lingerMs: number;
  /** A batch with this many bytes of values is full; default 8 MB. Kafka's fetches have sizes of their own. */
  readonly bytesMax?: number;
}

/**
 * `done`: checkpoint moves to `nextOffset` of the batch.
 * `again`: checkpoint stays; the same records come again after the wait, in order. Other partitions go on.
 */
export type BatchOutcome = { readonly kind: 'done' } | { readonly kind: 'again'; readonly afterMs: number };

export interface Subscription {
  /** Stops after the batch in hand, with its checkpoint saved. */
  stop(): Promise<void>;
}

/**
 * Runs a consumer over the log: at least once, in order within a partition, checkpoint after the handler is done.
 * A handler that throws counts as `again` after a growing wait; it never loses its place.
 */
export interface EventLogSubscriber {
  subscribe(options: SubscribeOptions, onBatch: (batch: RecordBatch) => Promise<BatchOutcome>): Promise<Subscription>;
  /** Records between checkpoint and head, summed over a group's partitions. For `/readyz` and `doctor`. */
  lag(group: string, topics: readonly string[]): Promise<bigint>;
  close(): Promise<void>;
}
