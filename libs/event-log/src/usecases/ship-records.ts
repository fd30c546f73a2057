import { ALL_TOPICS, deadLetterTopic } from '#events/domain/topics.js';
import type { CheckpointStore } from '../ports/checkpoint-store.js';
import type { EventLogReader } from '../ports/event-log.js';
import { type RecordSink, TopicShipper } from './ship-topic.js';

/** The checkpoints of what was shipped are kept under this name. */
export const SHIPPER_GROUP = 'shipper';

const RECORDS_MAX = 1000;
const BYTES_MAX = 1_000_000;
const POLL_MS = 1000;
const DRAIN_MS = 10_000;
const HEAD_REFRESH_MS = 1000;
const GRACE_MS = 500;

export interface ShipperInit {
  /** The spool: the segment log of this process. */
  readonly reader: EventLogReader;
  /** On the same disk as the spool. */
  readonly checkpoints: CheckpointStore;
  /** Closed by `stop`. */
  readonly sink: RecordSink;
  /** The spool partition to ship. */
  readonly partition: number;
  /** Default: the topics of the event catalogue and their dead letters. */
  readonly topics?: readonly string[];
  readonly pollMs?: number;
  /** Told of every failed try and every dead letter; what it throws is ignored. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

interface ShipperStatus {
  /** `waiting`: a try failed or has no answer for 2 s, and the next follows within 5 s; nothing is lost, the spool grows. */
  readonly state: 'idle' | 'shipping' | 'waiting' | 'stopped';
  /** Records in the spool that are not acknowledged yet; at most a second old. */
  readonly lagRecords: bigint;
  /** How long the topic that is furthest behind has been behind: the number to alarm on. 0 when nothing waits. */
  readonly behindMs: number;
  /** Since the start. */
  readonly shippedRecords: number;
  readonly deadLetters: number;
  /** Per topic: everything below `nextOffset` is acknowledged, so the spool may drop it. */
  readonly topics: readonly { readonly topic: string; readonly nextOffset: bigint; readonly headOffset: bigint }[];
}

export interface Shipper {
  status(): ShipperStatus;
  /**
   * Ships what the spool holds, for at most `drainMs` (default 10,000), then closes the sink; takes up to 3 s more when
   * the broker is away. The rest is shipped after the next start.
   */
  stop(drainMs?: number): Promise<void>;
}

/**
 * Moves records from the spool to the shared log: same topic, key, headers and bytes, in order within a topic, at least
 * once. A checkpoint is saved after the acknowledgement, so a crash between the two doubles at most one batch per
 * topic. An absent broker is waited out. A record that no broker takes goes to `<topic>.dlq`; it holds up nothing.
 */
export function shipRecords(init: ShipperInit): Shipper {
  const { reader, checkpoints, sink, partition, onError } = init;
  const draining = new AbortController();
  const stopped = new AbortController();
  const report = (error: unknown): void => {
    try {
      onError?.(error);
    } catch {
      // A reporter that fails must not stop the shipper.
    }
  };
  const topics = init.topics ?? ALL_TOPICS.flatMap((topic) => [topic, deadLetterTopic(topic)]);
  const limits = { recordsMax: RECORDS_MAX, bytesMax: BYTES_MAX, pollMs: init.pollMs ?? POLL_MS };
  const shippers = topics.map(
    (topic) =>
      new TopicShipper({
        reader,
        checkpoints,
        sink,
        group: SHIPPER_GROUP,
        topic,
        partition,
        limits,
        draining: draining.signal,
        stopped: stopped.signal,
        onError: report,
      }),
  );
  let ended = false;
  const running = Promise.all(shippers.map((shipper) => shipper.run())).then(() => {
    ended = true;
  });
  const refreshing = setInterval(() => {
    for (const shipper of shippers) {
      if (shipper.progress.behindMs > HEAD_REFRESH_MS) shipper.refreshHead().catch(() => {});
    }
  }, HEAD_REFRESH_MS);
  refreshing.unref();

  return {
    status: () => summarize(shippers, ended),
    stop: async (drainMs = DRAIN_MS) => {
      if (draining.signal.aborted) return;
      draining.abort();
      clearInterval(refreshing);
      await atMost(drainMs, running);
      stopped.abort();
      await sink.close();
      // A send in hand may take longer than anyone wants to wait: its records are sent again after the next start.
      await atMost(GRACE_MS, running);
      for (const shipper of shippers) shipper.abandon();
      ended = true;
    },
  };
}

function atMost(ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function summarize(shippers: readonly TopicShipper[], ended: boolean): ShipperStatus {
  let lagRecords = 0n;
  let behindMs = 0;
  let shippedRecords = 0;
  let deadLetters = 0;
  let waiting = false;
  const topics = shippers.map(({ topic, progress }) => {
    if (progress.head > progress.next) lagRecords += progress.head - progress.next;
    behindMs = Math.max(behindMs, progress.behindMs);
    shippedRecords += progress.shipped;
    deadLetters += progress.deadLetters;
    waiting ||= progress.waiting;
    return { topic, nextOffset: progress.next, headOffset: progress.head };
  });
  const working = lagRecords > 0n ? 'shipping' : 'idle';
  const state = ended ? 'stopped' : waiting ? 'waiting' : working;
  return { state, lagRecords, behindMs, shippedRecords, deadLetters, topics };
}
