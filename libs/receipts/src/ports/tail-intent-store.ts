/** A range of offsets of one partition that is being written, or was when the process died. */
export interface TailIntent {
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/**
 * Remembers the range of an insert before it is sent. After a crash the same range is sent again with the same token,
 * so that an insert which the server is still working on and its repetition are one.
 */
export interface TailIntentStore {
  load(partition: number): Promise<TailIntent | null>;
  /** Saved atomically and on the device before it resolves. */
  save(intent: TailIntent): Promise<void>;
}
