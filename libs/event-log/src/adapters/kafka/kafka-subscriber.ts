import type {
  BatchOutcome,
  EventLogSubscriber,
  RecordBatch,
  SubscribeOptions,
  Subscription,
} from '../../ports/event-log.js';
import { KafkaCheckpoints } from './kafka-checkpoints.js';
import { KafkaConsumerRun } from './kafka-consumer-run.js';
import { KafkaLink } from './kafka-link.js';
import { createReporter, kafkaErrorType, type KafkaSettings, MEMBERSHIP_ERRORS } from './kafka-settings.js';
import { within } from './kafka-unavailable.js';

const LAG_TIMEOUT_MS = 5000;
/** How long `subscribe` waits for its place at the head; with an absent broker it goes on in the background. */
const PLACE_TIMEOUT_MS = 3000;

/** Consumer groups: members share the partitions, the committed offsets are the checkpoints. */
export class KafkaSubscriber implements EventLogSubscriber {
  readonly #settings: KafkaSettings;
  readonly #link: KafkaLink;
  readonly #checkpoints: KafkaCheckpoints;
  readonly #runs = new Set<KafkaConsumerRun>();
  readonly #report: (error?: unknown) => void;

  constructor(settings: KafkaSettings) {
    this.#settings = settings;
    this.#link = new KafkaLink(settings);
    this.#checkpoints = new KafkaCheckpoints(settings, this.#link);
    this.#report = createReporter(settings, 'subscriber');
  }

  /**
   * Resolves while the member is still joining, so an absent broker keeps nobody from starting. With `startAt: 'head'`
   * the place of a new group is saved first; when the broker is away, it is the head at its return.
   */
  async subscribe(
    options: SubscribeOptions,
    onBatch: (batch: RecordBatch) => Promise<BatchOutcome>,
  ): Promise<Subscription> {
    const run = new KafkaConsumerRun({
      settings: this.#settings,
      options,
      onBatch,
      report: this.#report,
      reportHandler: createReporter(this.#settings, 'handler'),
      beforeJoining: () => (options.startAt === 'head' ? this.#placeAtHead(options) : Promise.resolve()),
    });
    this.#runs.add(run);
    await within(run.start(), PLACE_TIMEOUT_MS).catch(() => {});
    return {
      stop: async () => {
        await run.stop();
        this.#runs.delete(run);
      },
    };
  }

  async lag(group: string, topics: readonly string[]): Promise<bigint> {
    const sum = async (): Promise<bigint> => {
      let lag = 0n;
      for (const topic of topics) {
        const ids = await this.#link.partitions(topic);
        if (ids.length === 0) continue;
        const bounds = await this.#link.bounds(topic, ids);
        const checkpoints = await this.#checkpoints.loadAll(group, topic, ids);
        for (const [id, { first, head }] of bounds) {
          const checkpoint = checkpoints.get(id) ?? first;
          const next = checkpoint > first ? checkpoint : first;
          if (head > next) lag += head - next;
        }
      }
      return lag;
    };
    return this.#link.trying('lag', { patienceMs: LAG_TIMEOUT_MS }, sum);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#runs].map((run) => run.stop()));
    this.#runs.clear();
    await this.#link.close();
  }

  /** A group's first place must be kept: a member that dies before its first commit would come back at a later head. */
  async #placeAtHead({ group, topics }: SubscribeOptions): Promise<void> {
    for (const topic of topics) {
      const ids = await this.#link.partitions(topic);
      if (ids.length === 0) continue;
      const checkpoints = await this.#checkpoints.loadAll(group, topic, ids);
      const fresh = ids.filter((id) => !checkpoints.has(id));
      if (fresh.length === 0) continue;
      const bounds = await this.#link.bounds(topic, fresh);
      const heads = new Map([...bounds].map(([id, { head }]) => [id, head] as const));
      try {
        await this.#checkpoints.saveAll(group, topic, heads);
      } catch (error) {
        // The group has members: they were placed before, and what has no place yet was added since.
        if (!MEMBERSHIP_ERRORS.has(kafkaErrorType(error) ?? '')) throw error;
      }
    }
  }
}
