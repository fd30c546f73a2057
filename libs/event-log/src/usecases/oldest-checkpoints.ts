import type { CheckpointStore } from '../ports/checkpoint-store.js';

/**
 * For each topic the offset that every one of its groups has passed on a partition: what retention may delete up to.
 * A group that never saved a checkpoint has passed nothing.
 * @param groups topic → the groups that consume it.
 */
export async function oldestCheckpoints(
  checkpoints: CheckpointStore,
  groups: ReadonlyMap<string, readonly string[]>,
  partition: number,
): Promise<Map<string, bigint>> {
  const oldest = new Map<string, bigint>();
  for (const [topic, names] of groups) {
    for (const group of names) {
      const passed = (await checkpoints.load(group, topic, partition)) ?? 0n;
      const known = oldest.get(topic);
      if (known === undefined || passed < known) oldest.set(topic, passed);
    }
  }
  return oldest;
}
