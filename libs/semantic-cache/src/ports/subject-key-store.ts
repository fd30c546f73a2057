/** A subject's data key, encrypted under the master key: worthless without both. */
export interface SubjectKey {
  /** `<subject>/2.<16 hex digits>`, as `content.stored` names it. */
  readonly keyId: string;
  readonly subject: string;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  readonly wrapped: Uint8Array;
}

/**
 * Where data keys live: outside the log, because the log keeps everything and a key must be able to end. A local store
 * answers at once, a remote one with promises that reject with `store_unavailable` while it is away.
 * A subject may have several keys, so that processes need not agree before they write.
 */
export interface SubjectKeyStore {
  /** Keeps a key; again changes nothing. A remote store that is away keeps it in memory and tries again. */
  put(key: SubjectKey): Promise<void> | void;
  /** `null` = erased, or never kept. */
  get(keyId: string): Promise<SubjectKey | null> | SubjectKey | null;
  /** A key that new content of the subject may use; `null` also when the store cannot tell at once. */
  newest(subject: string): SubjectKey | null;
  /**
   * Destroys the subject's keys made before `beforeMs`; it resolves (or returns) when no copy is left in the store.
   * @returns how many there were. Idempotent.
   */
  erase(subject: string, beforeMs: number): Promise<number> | number;
  /** Is another process's key visible as soon as that process has used it? */
  readonly immediate: boolean;
  close(): Promise<void> | void;
}
