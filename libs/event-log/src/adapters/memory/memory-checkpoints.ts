import type { CheckpointStore } from '../../ports/checkpoint-store.js';

/** Checkpoints that live as long as the process; for tests. */
export class MemoryCheckpoints implements CheckpointStore {
  readonly #groups = new Map<string, Map<string, bigint>>();

  async load(group: string, topic: string, partition: number): Promise<bigint | null> {
    return this.#groups.get(group)?.get(`${topic}:${partition}`) ?? null;
  }

  async save(group: string, topic: string, partition: number, nextOffset: bigint): Promise<void> {
    const places = this.#groups.get(group) ?? new Map<string, bigint>();
    places.set(`${topic}:${partition}`, nextOffset);
    this.#groups.set(group, places);
  }

  async remove(group: string): Promise<void> {
    this.#groups.delete(group);
  }
}
