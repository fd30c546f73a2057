import type { Consumer } from 'kafkajs';
import type { BatchOutcome, RecordBatch, SubscribeOptions } from '../../ports/event-log.js';
import { backoffMs, pause } from '../../usecases/backoff.js';
import { BatchRunner } from './kafka-batch-runner.js';
import { watchLifeSigns } from './kafka-life-signs.js';
import { createKafka, type KafkaSettings, WORK_RETRY } from './kafka-settings.js';
import { within } from './kafka-unavailable.js';

const HEARTBEAT_INTERVAL_MS = 1000;
const SESSION_TIMEOUT_MS = 10_000;
/** How long a handler may keep a rebalance waiting. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** kafkajs' default of 5 s would delay heartbeats, rebalances and stops by as much. */
const FETCH_WAIT_MS = 200;
const DISCONNECT_TIMEOUT_MS = 5000;
const PARTITIONS_AT_ONCE = 4;
/**
 * A member that gives up during an outage comes back as another, and the group waits for the one that is gone until its
 * session is over: ten seconds in which nobody reads. So an outage is waited out, one try a second, for five minutes;
 * after that a new member is made, in case that it is not the broker's fault.
 */
const OUTAGE_TRIES = 300;

interface RunInit {
  readonly settings: KafkaSettings;
  readonly options: SubscribeOptions;
  readonly onBatch: (batch: RecordBatch) => Promise<BatchOutcome>;
  readonly report: (error?: unknown) => void;
  readonly reportHandler: (error?: unknown) => void;
  readonly beforeJoining: () => Promise<void>;
}

/**
 * One member of a group, for as long as it is wanted. kafkajs gives a consumer up for good after some errors and
 * restarts itself after others; here every crash ends that consumer and a new one follows after a growing wait.
 */
export class KafkaConsumerRun {
  readonly #init: RunInit;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(init: RunInit) {
    this.#init = init;
  }

  /** Resolves when the first member has its place; what fails before is tried again for ever. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running = this.#keepRunning(resolve);
    });
  }

  /** Ends after the batch in hand, with its checkpoint saved. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #keepRunning(onPlaced: () => void): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures += 1) {
      const startedMs = performance.now();
      try {
        await this.#init.beforeJoining();
        onPlaced();
        await this.#runOnce();
      } catch (error) {
        // The first use of a group meets a coordinator that is still loading: once is no fault.
        if (!signal.aborted && failures > 1) this.#init.report(error);
      }
      if (performance.now() - startedMs > 30_000) failures = 1;
      if (!signal.aborted) await pause(Math.min(5000, backoffMs(failures)), signal);
    }
    onPlaced();
  }

  /** Rejects with the crash; resolves when stopped. */
  async #runOnce(): Promise<void> {
    const { settings, options, onBatch, report, reportHandler } = this.#init;
    const { signal } = this.#stopping;
    // kafkajs copies its settings, but compares this number anew before every try: so a stop ends them all.
    const retries = { valueOf: () => (signal.aborted ? 0 : OUTAGE_TRIES) } as unknown as number;
    const retry = { ...WORK_RETRY, retries };
    const consumer = createKafka(settings, retry).consumer({
      groupId: options.group,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      metadataMaxAge: 10_000,
      allowAutoTopicCreation: false,
      readUncommitted: true,
      retry: { ...retry, restartOnFailure: async () => false },
    });
    const batches = new BatchRunner(options, onBatch, reportHandler, signal);
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => {});
    consumer.on(consumer.events.CRASH, ({ payload }) => ended.reject(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, () => {
      batches.onAssigned();
      report();
    });
    const stopWatching = watchLifeSigns(consumer, SESSION_TIMEOUT_MS, report);
    const onStop = (): void => ended.resolve();
    signal.addEventListener('abort', onStop, { once: true });
    try {
      await Promise.race([this.#join(consumer, batches), ended.promise]);
      await ended.promise;
    } finally {
      signal.removeEventListener('abort', onStop);
      stopWatching();
      batches.stop();
      // Waits for handlers in hand: they may take as long as they like.
      await batches.idle();
      await within(consumer.disconnect(), DISCONNECT_TIMEOUT_MS).catch(() => {});
    }
  }

  async #join(consumer: Consumer, batches: BatchRunner): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.#init.options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => batches.take(payload),
    });
  }
}
