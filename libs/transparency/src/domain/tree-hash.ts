/** SHA-256 of some bytes, 32 bytes; passed in because the domain knows no crypto library. */
export type Digest = (bytes: Uint8Array) => Uint8Array;

export const HASH_BYTES = 32;

/** Most receipts are shorter. */
const PREFIXED_BYTES = 4_096;

/** The two hashes of an RFC 6962 tree. */
export interface TreeHash {
  /** `H(0x00 ‖ data)`: of one entry. */
  leaf(data: Uint8Array): Uint8Array;
  /** `H(0x01 ‖ left ‖ right)`: of two subtrees. */
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
  /** Of a tree without entries. */
  empty(): Uint8Array;
}

/** RFC 6962 §2.1: the prefixes keep an entry from being taken for an inner node. */
export function createTreeHash(digest: Digest): TreeHash {
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 1;
  let prefixed = new Uint8Array(PREFIXED_BYTES);
  return {
    leaf(data) {
      // One buffer for all: a new one for each entry is what most of the time would go to.
      if (prefixed.length <= data.length) prefixed = new Uint8Array(2 * data.length + 1);
      prefixed.set(data, 1);
      return digest(prefixed.subarray(0, data.length + 1));
    },
    node(left, right) {
      pair.set(left, 1);
      pair.set(right, 1 + HASH_BYTES);
      return digest(pair);
    },
    empty: () => digest(new Uint8Array(0)),
  };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let n = 0; n < a.length; n += 1) if (a[n] !== b[n]) return false;
  return true;
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
