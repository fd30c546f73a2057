import type { EachBatchPayload } from 'kafkajs';
import type { BatchOutcome, RecordBatch, SubscribeOptions } from '../../ports/event-log.js';
import { backoffMs, pause } from '../../usecases/backoff.js';
import { fromKafkaMessage } from './kafka-record.js';
import { kafkaErrorType, MEMBERSHIP_ERRORS } from './kafka-settings.js';

const HEARTBEAT_CHECK_MS = 500;
/** kafkajs looks for resumed partitions once per fetch; a linger that is shorter would gather nothing. */
const LINGER_MS_MIN = 200;
const COMMIT_TRIES = 7;
const NEVER = new AbortController().signal;

interface PartitionState {
  failures: number;
  /** The next batch is handed over as it is: its linger is over. */
  ripe: boolean;
  timer: ReturnType<typeof setTimeout> | null;
}

/**
 * What happens to a fetched batch: slices of `recordsMax`, each handled, committed and only then passed. A slice that
 * is to come again pauses its partition alone: nothing is thrown to kafkajs, so there is no crash and no rebalance.
 */
export class BatchRunner {
  readonly #options: SubscribeOptions;
  readonly #onBatch: (batch: RecordBatch) => Promise<BatchOutcome>;
  readonly #report: (error?: unknown) => void;
  readonly #signal: AbortSignal;
  readonly #partitions = new Map<string, PartitionState>();
  readonly #inHand = new Set<Promise<void>>();

  constructor(
    options: SubscribeOptions,
    onBatch: (batch: RecordBatch) => Promise<BatchOutcome>,
    report: (error?: unknown) => void,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#onBatch = onBatch;
    this.#report = report;
    this.#signal = signal;
  }

  /** Partitions come back without the failures of their last stay. */
  onAssigned(): void {
    for (const state of this.#partitions.values()) state.failures = 0;
  }

  /** Resolves when no handler runs. */
  async idle(): Promise<void> {
    while (this.#inHand.size > 0) await Promise.allSettled(this.#inHand);
  }

  /** No partition wakes up any more. */
  stop(): void {
    for (const { timer } of this.#partitions.values()) if (timer !== null) clearTimeout(timer);
    this.#partitions.clear();
  }

  take(payload: EachBatchPayload): Promise<void> {
    const work = this.#run(payload);
    const inHand = work.catch(() => {});
    this.#inHand.add(inHand);
    void inHand.then(() => this.#inHand.delete(inHand));
    return work;
  }

  async #run(payload: EachBatchPayload): Promise<void> {
    const { topic, partition, messages, highWatermark } = payload.batch;
    const state = this.#stateOf(topic, partition);
    const { recordsMax } = this.#options;
    const atTail = BigInt(payload.batch.lastOffset()) + 1n >= BigInt(highWatermark);
    if (this.#shouldLinger(state, messages.length, atTail)) {
      state.ripe = true;
      this.#pauseFor(payload, state, this.#options.lingerMs);
      return;
    }
    state.ripe = false;
    for (let start = 0; start < messages.length; start += recordsMax) {
      if (this.#signal.aborted || !payload.isRunning() || payload.isStale()) return;
      const slice = messages.slice(start, start + recordsMax);
      const records = slice.map((message) => fromKafkaMessage(topic, partition, message));
      const isLast = start + recordsMax >= messages.length;
      const last = isLast ? payload.batch.lastOffset() : (slice.at(-1)?.offset ?? payload.batch.lastOffset());
      const nextOffset = BigInt(last) + 1n;
      const batch = { topic, partition, records, nextOffset, headOffset: BigInt(highWatermark) };
      const waitMs = await this.#handle(batch, state, payload);
      if (waitMs !== null) {
        this.#pauseFor(payload, state, waitMs);
        return;
      }
      payload.resolveOffset(last);
      await this.#commit(payload, nextOffset);
      await payload.heartbeat();
    }
  }

  /** `null` when done, else the wait before the same records come again. */
  async #handle(batch: RecordBatch, state: PartitionState, payload: EachBatchPayload): Promise<number | null> {
    // A failing heartbeat means a rebalance: the batch in hand is finished and committed first.
    const beat = setInterval(() => void payload.heartbeat().catch(() => {}), HEARTBEAT_CHECK_MS);
    try {
      const outcome = await this.#onBatch(batch);
      if (state.failures > 0) this.#report();
      state.failures = 0;
      return outcome.kind === 'done' ? null : outcome.afterMs;
    } catch (error) {
      state.failures += 1;
      this.#report(error);
      return backoffMs(state.failures);
    } finally {
      clearInterval(beat);
    }
  }

  /** A checkpoint that a restarting broker did not take is tried again: giving up would double the batch. */
  async #commit(payload: EachBatchPayload, nextOffset: bigint): Promise<void> {
    const { topic, partition } = payload.batch;
    const topics = [{ topic, partitions: [{ partition, offset: nextOffset.toString() }] }];
    for (let tries = 1; ; tries += 1) {
      try {
        await payload.commitOffsetsIfNecessary({ topics });
        return;
      } catch (error) {
        const triesMax = this.#signal.aborted ? 2 : COMMIT_TRIES;
        if (tries >= triesMax || MEMBERSHIP_ERRORS.has(kafkaErrorType(error) ?? '')) throw error;
        await pause(backoffMs(tries), NEVER);
      }
    }
  }

  #shouldLinger(state: PartitionState, count: number, atTail: boolean): boolean {
    const { lingerMs, recordsMax } = this.#options;
    return lingerMs > LINGER_MS_MIN && atTail && count < recordsMax && !state.ripe && state.failures === 0;
  }

  #pauseFor(payload: EachBatchPayload, state: PartitionState, ms: number): void {
    const resume = payload.pause();
    if (this.#signal.aborted) return;
    if (state.timer !== null) clearTimeout(state.timer);
    state.timer = setTimeout(() => {
      state.timer = null;
      resume();
    }, ms);
  }

  #stateOf(topic: string, partition: number): PartitionState {
    const name = `${topic}:${partition}`;
    const known = this.#partitions.get(name);
    if (known !== undefined) return known;
    const state: PartitionState = { failures: 0, ripe: false, timer: null };
    this.#partitions.set(name, state);
    return state;
  }
}
