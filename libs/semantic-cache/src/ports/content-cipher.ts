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
  /**
   * What a request's commitments to its bodies are salted with: the key that the subject's content is sealed with now.
   * It is in the store, or on its way there, when this returns. Take it once for a request: the next call may give
   * another one. Never throws; while nothing of the subject may be kept, it gives a key that nobody keeps.
   */
  saltKey(subject: string): SaltKey;
  /** The same key later, after `keyState`; `null` when it was destroyed or lost: nobody can make its salts any more. */
  openSaltKey(keyId: string): SaltKey | null;
  /** Secret bytes, 16 of them, that the holder of the master key can always make again: peppers, never commitments. */
  salt(subject: string, purpose: string): Uint8Array;
}

/** Makes the secret salts of commitments; gone with the subject's key. */
export interface SaltKey {
  /** The same for the same receipt id. */
  saltsOf(receiptId: string): CommitmentSalts;
}

/** 16 bytes for each of the two commitments of a receipt. */
export interface CommitmentSalts {
  /** The subject's key that they came from, as receipts name it: `saltKeyId`. */
  readonly keyId: string;
  readonly request: Uint8Array;
  readonly response: Uint8Array;
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
