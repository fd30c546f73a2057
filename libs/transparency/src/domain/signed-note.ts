import { fromBase64, toBase64 } from './base64.js';
import { isKeyName, isSameKey, type VerifierKey } from './verifier-key.js';

/** Ed25519 over some bytes. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export interface NoteSignature {
  readonly name: string;
  readonly id: Uint8Array;
  readonly signature: Uint8Array;
}

/** A text and who signed it (C2SP signed-note). Signatures are not checked yet. */
export interface SignedNote {
  /** Ends with a newline; what was signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const SIGNATURES_MAX = 16;
const encoder = new TextEncoder();

/** The bytes that a signature covers. */
export const noteBytes = (text: string): Uint8Array => encoder.encode(text);

export function formatNote({ text, signatures }: SignedNote): string {
  const lines = signatures.map(({ name, id, signature }) => {
    const bytes = new Uint8Array(id.length + signature.length);
    bytes.set(id);
    bytes.set(signature, id.length);
    return `— ${name} ${toBase64(bytes)}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** @returns a text that says what is wrong when it is no signed note. */
export function parseNote(note: string): SignedNote | string {
  // oxlint-disable-next-line no-control-regex -- the format forbids them
  if (/[\u0000-\u0009\u000B-\u001F]/.test(note)) return 'the note has control characters';
  const cut = note.lastIndexOf('\n\n');
  if (cut < 0) return 'the note has no blank line before its signatures';
  const text = note.slice(0, cut + 1);
  const rest = note.slice(cut + 2);
  if (!rest.endsWith('\n')) return 'the note has no newline at its end';
  const lines = rest.slice(0, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) return `the note has more than ${SIGNATURES_MAX} signatures`;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const match = /^— (\S+) (\S+)$/u.exec(line);
    const bytes = match === null ? null : fromBase64(match[2] ?? '');
    if (match === null || bytes === null || bytes.length < 5 || !isKeyName(match[1] ?? '')) {
      return `"${line.slice(0, 60)}" is no signature line`;
    }
    signatures.push({ name: match[1] ?? '', id: bytes.slice(0, 4), signature: bytes.slice(4) });
  }
  return { text, signatures };
}

/**
 * Is the note signed by one of the keys? Signatures of others are ignored; one of a known key that does not fit makes
 * the whole note worthless.
 * @returns the key, or a text that says what is wrong.
 */
export function checkNote(
  note: SignedNote,
  keys: readonly VerifierKey[],
  verify: VerifySignature,
): VerifierKey | string {
  let signer: VerifierKey | null = null;
  for (const { name, id, signature } of note.signatures) {
    const key = keys.find((each) => isSameKey(each, name, id));
    if (key === undefined) continue;
    if (!verify(key.publicKey, noteBytes(note.text), signature)) {
      return `the signature of ${name} does not fit: the checkpoint's origin, size or root, or the signature, was changed`;
    }
    signer ??= key;
  }
  if (signer !== null) return signer;
  const by = note.signatures.map(({ name }) => name).join(', ');
  return `signed by ${by}, not by the given key ${keys.map(({ name }) => name).join(', ')}`;
}
