/** Seals content per subject. Deleting a subject's keys makes all of it unreadable for ever. */
export interface ContentCipher {
  /** @returns base64 of iv(12) ‖ tag(16) ‖ ciphertext, and the id of the key used. */
  seal(subject: string, plain: string): { readonly keyId: string; readonly sealed: string };
  /** `null` when the key is gone or not at hand (`keyState`), or the text was changed. */
  open(keyId: string, sealed: string): string | null;
  /**
   * Fetches a key before `open`. `held`: `open` can use it now; `awaited`: its writer may not have handed it over yet,
   * ask again; `gone`: erased or lost. A promise only where keys are remote; it rejects while that store is away.
   * @param storedAtMs when the content was stored: only fresh content is worth waiting for.
   */
  keyState(keyId: string, storedAtMs: number): Promise<KeyState> | KeyState;
  /** Secret salt of a commitment: 16 bytes that only the holder of the master key can make again. */
  salt(subject: string, purpose: string): Uint8Array;
}

export type KeyState = 'held' | 'awaited' | 'gone';

/** A cipher that is told of erased subjects (`subject.erased`): it destroys their keys and opens nothing of theirs. */
export interface ErasableContentCipher extends ContentCipher {
  /**
   * Destroys the keys that the subject had at `erasedAtMs`. Idempotent; say it again for every `subject.erased` of the
   * control topic, so that an erasure that a crash cut short ends at the next start.
   * @returns a promise where keys are remote; it rejects with `store_unavailable`, and the subject stays unreadable
   *   in this process all the same.
   */
  erase(subject: string, erasedAtMs: number): Promise<void> | void;
  close(): Promise<void>;
}
