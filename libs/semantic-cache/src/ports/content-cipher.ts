/** Seals content per subject. Deleting a subject's key makes all of it unreadable for ever. */
export interface ContentCipher {
  /** @returns base64 of iv(12) ‖ tag(16) ‖ ciphertext, and the id of the key used. */
  seal(subject: string, plain: string): { readonly keyId: string; readonly sealed: string };
  /** `null` when the key is gone or the text was changed. */
  open(keyId: string, sealed: string): string | null;
  /** Secret salt of a commitment: 16 bytes that only the holder of the subject's key can make again. */
  salt(subject: string, purpose: string): Uint8Array;
}

/** A cipher that is told of erased subjects (`subject.erased`); it opens nothing of theirs from then on. */
export interface ErasableContentCipher extends ContentCipher {
  /** Idempotent. Holds for this process: it is told again when the control topic is read again. */
  erase(subject: string): void;
}
