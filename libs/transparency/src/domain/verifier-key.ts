import { fromBase64, toBase64 } from './base64.js';
import { sameBytes, toHex, type Digest } from './tree-hash.js';

/** Signature type bytes of C2SP signed-note: a log's signature, and a witness's timestamped one. */
export const ED25519 = 0x01;
export const COSIGNATURE_V1 = 0x04;
type KeyType = typeof ED25519 | typeof COSIGNATURE_V1;
const KEY_OF: Readonly<Record<KeyType, string>> = { [ED25519]: 'a log', [COSIGNATURE_V1]: 'a witness' };
const KEY_BYTES = 32;
const encoder = new TextEncoder();

/** Who may sign the notes of a log. */
export interface VerifierKey {
  /** Name in the signature line; for a log, its origin. */
  readonly name: string;
  readonly type: KeyType;
  /** First four bytes of sha256(name ‖ "\n" ‖ type ‖ key). */
  readonly id: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function isKeyName(name: string): boolean {
  return name.length > 0 && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

export function createVerifierKey(
  name: string,
  publicKey: Uint8Array,
  digest: Digest,
  type: KeyType = ED25519,
): VerifierKey {
  if (!isKeyName(name)) throw new RangeError('a key name has no spaces and no plus');
  return { name, type, id: keyId(name, type, publicKey, digest), publicKey };
}

/** The text form `<name>+<id as hex>+<base64(type ‖ key)>`. */
export function formatVerifierKey({ name, type, id, publicKey }: VerifierKey): string {
  return `${name}+${toHex(id)}+${toBase64(typed(type, publicKey))}`;
}

/** @returns a text that says what is wrong when it is no Ed25519 key of that type in this form. */
export function parseVerifierKey(text: string, digest: Digest, type: KeyType = ED25519): VerifierKey | string {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim());
  if (match === null) return 'a key reads <name>+<8 hex digits>+<base64>';
  const [, name = '', id = '', encoded = ''] = match;
  const bytes = fromBase64(encoded);
  if (bytes === null || bytes.length !== KEY_BYTES + 1) return 'the key material is not base64 of 33 bytes';
  if (bytes[0] !== type) return `the key is of type ${bytes[0]}; that of ${KEY_OF[type]} is Ed25519 (${type})`;
  if (!isKeyName(name)) return 'the key name has spaces in it';
  const key = createVerifierKey(name, bytes.subarray(1), digest, type);
  if (toHex(key.id) !== id) return `the key says its id is ${id}, but it is ${toHex(key.id)}: name or key was changed`;
  return key;
}

export const isSameKey = (key: VerifierKey, name: string, id: Uint8Array): boolean =>
  key.name === name && sameBytes(key.id, id);

function keyId(name: string, type: KeyType, publicKey: Uint8Array, digest: Digest): Uint8Array {
  const named = encoder.encode(`${name}\n`);
  const bytes = new Uint8Array(named.length + 1 + publicKey.length);
  bytes.set(named);
  bytes.set(typed(type, publicKey), named.length);
  return digest(bytes).slice(0, 4);
}

function typed(type: KeyType, publicKey: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + publicKey.length);
  bytes[0] = type;
  bytes.set(publicKey, 1);
  return bytes;
}
