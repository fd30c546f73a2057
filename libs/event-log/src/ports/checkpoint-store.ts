/**
 * Remembers how far a consumer group has come. Saved atomically; a torn save leaves the older value.
 * A group's partition is saved by one consumer at a time; anyone may load it.
 */
export interface CheckpointStore {
  /** Next offset to read; `null` when the group has none. */
  load(group: string, topic: string, partition: number): Promise<bigint | null>;
  /** Resolves when the value survives a crash. Rejects when it may not have been saved; save again. */
  save(group: string, topic: string, partition: number, nextOffset: bigint): Promise<void>;
  /** Forgets a group, so that it starts anew; no error when there is none. */
  remove(group: string): Promise<void>;
}
