import { fromBase64, toBase64 } from './base64.js';
import { sameBytes, toHex, type Digest } from './tree-hash.js';

/** Signature type byte of C2SP signed-note. */
export const ED25519 = 0x01;
const KEY_BYTES = 32;
const encoder = new TextEncoder();

/** Who may sign the notes of a log. */
export interface VerifierKey {
  /** Name in the signature line; for a log, its origin. */
  readonly name: string;
  /** First four bytes of sha256(name ‖ "\n" ‖ 0x01 ‖ key). */
  readonly id: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function isKeyName(name: string): boolean {
  return name.length > 0 && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

export function createVerifierKey(name: string, publicKey: Uint8Array, digest: Digest): VerifierKey {
  if (!isKeyName(name)) throw new RangeError('a key name has no spaces and no plus');
  return { name, id: keyId(name, publicKey, digest), publicKey };
}

/** The text form `<name>+<id as hex>+<base64(0x01 ‖ key)>`. */
export function formatVerifierKey({ name, id, publicKey }: VerifierKey): string {
  return `${name}+${toHex(id)}+${toBase64(typed(publicKey))}`;
}

/** @returns a text that says what is wrong when it is no Ed25519 key in this form. */
export function parseVerifierKey(text: string, digest: Digest): VerifierKey | string {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim());
  if (match === null) return 'a key reads <name>+<8 hex digits>+<base64>';
  const [, name = '', id = '', encoded = ''] = match;
  const bytes = fromBase64(encoded);
  if (bytes === null || bytes.length !== KEY_BYTES + 1) return 'the key material is not base64 of 33 bytes';
  if (bytes[0] !== ED25519) return `the key is of type ${bytes[0]}; only Ed25519 (1) is supported`;
  if (!isKeyName(name)) return 'the key name has spaces in it';
  const key = createVerifierKey(name, bytes.subarray(1), digest);
  if (toHex(key.id) !== id) return `the key says its id is ${id}, but it is ${toHex(key.id)}: name or key was changed`;
  return key;
}

export const isSameKey = (key: VerifierKey, name: string, id: Uint8Array): boolean =>
  key.name === name && sameBytes(key.id, id);

function keyId(name: string, publicKey: Uint8Array, digest: Digest): Uint8Array {
  const named = encoder.encode(`${name}\n`);
  const bytes = new Uint8Array(named.length + 1 + publicKey.length);
  bytes.set(named);
  bytes.set(typed(publicKey), named.length);
  return digest(bytes).slice(0, 4);
}

function typed(publicKey: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + publicKey.length);
  bytes[0] = ED25519;
  bytes.set(publicKey, 1);
  return bytes;
}
