/** Remembers how far a consumer group has come. Saved atomically; a torn save leaves the older value. */
export interface CheckpointStore {
  load(group: string, topic: string, partition: number): Promise<bigint | null>;
  save(group: string, topic: string, partition: number, nextOffset: bigint): Promise<void>;
  remove(group: string): Promise<void>;
}
