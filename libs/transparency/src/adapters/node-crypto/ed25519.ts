import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { NoteSigner } from '../../ports/note-signer.js';

/** DER in front of a raw Ed25519 seed (PKCS #8) and of a raw public key (SPKI), RFC 8410. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
export const SEED_BYTES = 32;

const publicKeys = new Map<string, KeyObject>();
const PUBLIC_KEYS_MAX = 64;

/** Checks one signature. False also for a key that is no point of the curve. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return signature.length === 64 && verify(null, message, toKeyObject(publicKey), signature);
  } catch {
    return false;
  }
}

/** Signs with a key of 32 secret bytes that lives in this process. */
export class Ed25519Signer implements NoteSigner {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  /** @throws RangeError for another number of bytes. */
  constructor(name: string, seed: Uint8Array) {
    if (seed.length !== SEED_BYTES) throw new RangeError('an Ed25519 seed has 32 bytes');
    this.name = name;
    this.#key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' });
    this.publicKey = new Uint8Array(spki.subarray(PUBLIC_PREFIX.length));
  }

  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#key);
  }
}

function toKeyObject(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey).toString('hex');
  let key = publicKeys.get(name);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
    if (publicKeys.size >= PUBLIC_KEYS_MAX) publicKeys.clear();
    publicKeys.set(name, key);
  }
  return key;
}
