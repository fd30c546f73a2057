import { noteBytes, type NoteSignature, type SignedNote, type VerifySignature } from './signed-note.js';
import { COSIGNATURE_V1, isSameKey, parseVerifierKey, type VerifierKey } from './verifier-key.js';
import type { Digest } from './tree-hash.js';

const TIMESTAMP_BYTES = 8;
const ED25519_BYTES = 64;

/** What the witness of a key says about a checkpoint. */
export type Cosignature =
  | { readonly kind: 'none' }
  /** The log had not been rewritten, and was not seen larger, at that time; seconds of Unix time. */
  | { readonly kind: 'seen'; readonly atS: number; readonly signature: NoteSignature }
  /** Changed, or made by another key: the whole note is worthless. */
  | { readonly kind: 'wrong' };

/** The bytes that a cosignature/v1 covers (C2SP tlog-cosignature). */
export function cosignedBytes(text: string, atS: number): Uint8Array {
  return noteBytes(`cosignature/v1\ntime ${atS}\n${text}`);
}

/** Looks a witness's signature up in a signed checkpoint and verifies it; the youngest counts where there are several. */
export function readCosignature(note: SignedNote, key: VerifierKey, verify: VerifySignature): Cosignature {
  let found: Cosignature = { kind: 'none' };
  for (const line of note.signatures) {
    if (!isSameKey(key, line.name, line.id)) continue;
    const atS = timestampOf(line.signature);
    if (atS === null) return { kind: 'wrong' };
    const signature = line.signature.subarray(TIMESTAMP_BYTES);
    if (!verify(key.publicKey, cosignedBytes(note.text, atS), signature)) return { kind: 'wrong' };
    if (found.kind === 'none' || found.atS < atS) found = { kind: 'seen', atS, signature: line };
  }
  return found;
}

/** Keys of witnesses, one a line. @returns a text that says what is wrong with one of them. */
export function parseWitnessKeys(lines: string, digest: Digest): readonly VerifierKey[] | string {
  const keys: VerifierKey[] = [];
  for (const line of lines.split('\n').filter((each) => each.trim() !== '')) {
    const key = parseVerifierKey(line, digest, COSIGNATURE_V1);
    if (typeof key === 'string') return key;
    // One key under two names, or twice, is one witness: it must not count as two.
    if (keys.some(({ publicKey }) => publicKey.every((byte, at) => byte === key.publicKey[at]))) {
      return `the key of ${key.name} is there twice`;
    }
    keys.push(key);
  }
  return keys.length === 0 ? 'no key of a witness was given' : keys;
}

/** `null` unless the bytes are a big-endian time, which is never zero, and a signature of Ed25519. */
function timestampOf(bytes: Uint8Array): number | null {
  if (bytes.length !== TIMESTAMP_BYTES + ED25519_BYTES) return null;
  let value = 0;
  for (const byte of bytes.subarray(0, TIMESTAMP_BYTES)) value = value * 256 + byte;
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}
