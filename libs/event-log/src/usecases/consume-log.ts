import type { EventLogSubscriber, SubscribeOptions, Subscription } from '../ports/event-log.js';
import { pause } from './backoff.js';
import { type BatchHandler, type ConsumeDependencies, consumePartition } from './consume-partition.js';

/** How soon a partition that a further writer has opened is noticed. */
const DISCOVERY_INTERVAL_MS = 1000;

/**
 * The subscriber over a reader and a checkpoint store: one loop for each partition, so that a partition that waits
 * holds up no other. For logs whose consumers do not share partitions (memory, segment files).
 */
export class LogSubscriber implements EventLogSubscriber {
  readonly #dependencies: ConsumeDependencies;
  readonly #subscriptions = new Set<Subscription>();

  constructor(dependencies: ConsumeDependencies) {
    this.#dependencies = dependencies;
  }

  async subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription> {
    const running = await consumeLog(this.#dependencies, options, onBatch);
    const subscription: Subscription = {
      stop: async () => {
        await running.stop();
        this.#subscriptions.delete(subscription);
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async lag(group: string, topics: readonly string[]): Promise<bigint> {
    const { reader, checkpoints } = this.#dependencies;
    let lag = 0n;
    for (const topic of topics) {
      for (const partition of await reader.partitions(topic)) {
        const { first, head } = await reader.bounds(topic, partition);
        const checkpoint = (await checkpoints.load(group, topic, partition)) ?? first;
        const next = checkpoint > first ? checkpoint : first;
        if (head > next) lag += head - next;
      }
    }
    return lag;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
  }
}

/** Starts a consumer; resolves when the partitions that exist now have their place. */
async function consumeLog(
  dependencies: ConsumeDependencies,
  options: SubscribeOptions,
  onBatch: BatchHandler,
): Promise<Subscription> {
  const { reader, checkpoints } = dependencies;
  const abort = new AbortController();
  const running = new Map<string, Promise<void>>();

  const discover = async (startAt: 'first' | 'head'): Promise<void> => {
    for (const topic of options.topics) {
      for (const partition of await reader.partitions(topic)) {
        const name = `${topic}:${partition}`;
        if (running.has(name) || abort.signal.aborted) continue;
        // Saved at once: what arrives before the first batch must not be skipped by a restart.
        if (startAt === 'head' && (await checkpoints.load(options.group, topic, partition)) === null) {
          const { head } = await reader.bounds(topic, partition);
          await checkpoints.save(options.group, topic, partition, head);
        }
        const at = { topic, partition };
        running.set(name, consumePartition(dependencies, options, at, onBatch, abort.signal));
      }
    }
  };
  const keepDiscovering = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      await pause(DISCOVERY_INTERVAL_MS, abort.signal);
      // Everything in a partition that appears later came after the subscription, so it starts at its first record.
      await discover('first').catch((error: unknown) => {
        dependencies.onError?.(error, { group: options.group, topic: '', partition: -1, offset: 0n, during: 'read' });
      });
    }
  };

  await discover(options.startAt);
  const discovering = keepDiscovering();
  return {
    stop: async () => {
      abort.abort();
      await discovering;
      await Promise.all(running.values());
    },
  };
}
