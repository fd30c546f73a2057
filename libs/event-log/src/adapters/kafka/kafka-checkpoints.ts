import type { CheckpointStore } from '../../ports/checkpoint-store.js';
import type { KafkaLink } from './kafka-link.js';
import { createKafka, type KafkaSettings } from './kafka-settings.js';
import { kafkaUnavailable } from './kafka-unavailable.js';

/** A commit from outside a group, which Kafka takes only while the group has no members. */
const NO_GENERATION = -1;
/** A broker that has just started loads its groups first. */
const PATIENCE = { patienceMs: 3000 };

/**
 * The committed offsets of consumer groups. `save` and `remove` work while no member of the group runs (a running
 * member commits by itself); rejects with `RouterError` `store_unavailable` otherwise and when the broker is away.
 */
export class KafkaCheckpoints implements CheckpointStore {
  readonly #settings: KafkaSettings;
  readonly #link: KafkaLink;

  constructor(settings: KafkaSettings, link: KafkaLink) {
    this.#settings = settings;
    this.#link = link;
  }

  async load(group: string, topic: string, partition: number): Promise<bigint | null> {
    return (await this.loadAll(group, topic, [partition])).get(partition) ?? null;
  }

  /** Checkpoints of those partitions that have one. */
  async loadAll(group: string, topic: string, ids: readonly number[]): Promise<Map<number, bigint>> {
    return this.#link.trying('load a checkpoint', PATIENCE, async () => {
      const coordinator = await (await this.#link.cluster()).findGroupCoordinator({ groupId: group });
      const partitions = ids.map((partition) => ({ partition }));
      const { responses } = await coordinator.offsetFetch({ groupId: group, topics: [{ topic, partitions }] });
      const found = responses.find((each) => each.topic === topic)?.partitions ?? [];
      return new Map(
        found.map((each) => [each.partition, BigInt(each.offset)] as const).filter(([, offset]) => offset >= 0n),
      );
    });
  }

  save(group: string, topic: string, partition: number, nextOffset: bigint): Promise<void> {
    return this.saveAll(group, topic, new Map([[partition, nextOffset]]));
  }

  async saveAll(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    await this.#link.trying('save a checkpoint', PATIENCE, async () => {
      const coordinator = await (await this.#link.cluster()).findGroupCoordinator({ groupId: group });
      const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: offset.toString() }));
      await coordinator.offsetCommit({
        groupId: group,
        groupGenerationId: NO_GENERATION,
        memberId: '',
        topics: [{ topic, partitions }],
      });
    });
  }

  async remove(group: string): Promise<void> {
    const admin = createKafka(this.#settings).admin();
    try {
      await admin.connect();
      await admin.deleteGroups([group]);
    } catch (error) {
      if (!isUnknownGroup(error)) throw kafkaUnavailable('remove a group', error);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}

function isUnknownGroup(error: unknown): boolean {
  const groups = (error as { groups?: readonly { error?: { type?: string }; errorCode?: number }[] }).groups ?? [];
  return (
    groups.length > 0 && groups.every((each) => each.error?.type === 'GROUP_ID_NOT_FOUND' || each.errorCode === 69)
  );
}
