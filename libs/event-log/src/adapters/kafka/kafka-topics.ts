import type { Admin, ITopicConfig } from 'kafkajs';
import { ALL_TOPICS, deadLetterTopic, TOPICS } from '#events/domain/topics.js';
import { backoffMs, pause } from '../../usecases/backoff.js';
import { createKafka, type KafkaSettings } from './kafka-settings.js';
import { kafkaUnavailable } from './kafka-unavailable.js';

export interface TopicOptions {
  /** Fixed when a topic is made: it decides where a key goes and names the transparency logs. Default 12. */
  readonly partitions?: number;
  /** Copies of each record; default: the broker's `default.replication.factor`. From 3 on, 2 must be in sync. */
  readonly replicationFactor?: number;
  /** Default: the topics of the event catalogue, each with its dead letters. */
  readonly topics?: readonly string[];
  /** How long to try; default 30,000. */
  readonly timeoutMs?: number;
}

/** The topics of the event catalogue, each with its dead letters. */
export const CATALOGUE_TOPICS: readonly string[] = ALL_TOPICS.flatMap((topic) => [topic, deadLetterTopic(topic)]);

const PARTITIONS = 12;
const DAY_MS = 86_400_000;
const MIB = 1_048_576;

/** Retention as `receipts.md` of the event catalogue gives it; the rest is the broker's. */
const KEEP: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [TOPICS.requests]: keptFor(7),
  [TOPICS.responses]: keptFor(7),
  [TOPICS.receipts]: keptFor(400),
  // A prompt with its answer may be large, and is stored encrypted and in base64.
  [TOPICS.content]: { ...keptFor(30), 'max.message.bytes': String(8 * MIB) },
  [TOPICS.control]: { 'cleanup.policy': 'compact' },
  [TOPICS.checkpoints]: { ...keptFor(400), 'cleanup.policy': 'compact,delete' },
};

function keptFor(days: number): Record<string, string> {
  return { 'cleanup.policy': 'delete', 'retention.ms': String(days * DAY_MS) };
}

/** Larger than any topic's own limit: what was too large for that is kept here. */
const DEAD_LETTERS = { ...keptFor(30), 'max.message.bytes': String(32 * MIB) };

/**
 * Makes the topics that are missing and waits until each partition has a leader; existing topics stay as they are.
 * Safe to run again and from several processes. Waits for an absent broker.
 * @throws RouterError `store_unavailable` when that did not happen in time.
 */
export async function ensureTopics(settings: KafkaSettings, options: TopicOptions = {}): Promise<void> {
  const names = options.topics ?? CATALOGUE_TOPICS;
  const until = performance.now() + (options.timeoutMs ?? 30_000);
  const never = new AbortController().signal;
  for (let failures = 1; ; failures += 1) {
    const admin = createKafka(settings).admin();
    try {
      await admin.connect();
      const existing = new Set(await admin.listTopics());
      const missing = names.filter((name) => !existing.has(name));
      // kafkajs' own wait for leaders throws on a busy machine although the topics were made.
      const topics = missing.map((topic) => toConfig(topic, options));
      if (topics.length > 0) await admin.createTopics({ waitForLeaders: false, topics });
      await untilLed(admin, names, until);
      return;
    } catch (error) {
      const waitMs = backoffMs(failures);
      if (performance.now() + waitMs > until) throw kafkaUnavailable('create topics', error);
      await pause(waitMs, never);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}

/** New topics are not known everywhere at once, and their partitions get leaders one after the other. */
async function untilLed(admin: Admin, names: readonly string[], until: number): Promise<void> {
  for (;;) {
    const leaderless = await admin.fetchTopicMetadata({ topics: [...names] }).then(
      ({ topics }) =>
        topics.some(
          ({ partitions }) =>
            partitions.length === 0 ||
            partitions.some(({ leader, partitionErrorCode }) => leader < 0 || partitionErrorCode !== 0),
        ),
      () => true,
    );
    if (!leaderless) return;
    if (performance.now() > until) throw new Error('partitions without a leader');
    await pause(30, new AbortController().signal);
  }
}

function toConfig(topic: string, options: TopicOptions): ITopicConfig {
  const { partitions = PARTITIONS, replicationFactor } = options;
  const entries = { ...(topic.endsWith('.dlq') ? DEAD_LETTERS : (KEEP[topic] ?? {})) } as Record<string, string>;
  if (replicationFactor !== undefined && replicationFactor >= 3) entries['min.insync.replicas'] = '2';
  return {
    topic,
    numPartitions: partitions,
    replicationFactor: replicationFactor ?? -1,
    configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
  };
}
