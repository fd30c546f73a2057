/** The private key of a log. */
export interface NoteSigner {
  /** Begins the origin of every log of this key: `<name>/receipts/<partition>`. */
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Ed25519 signature, 64 bytes; the same for the same message. */
  sign(message: Uint8Array): Uint8Array;
}
