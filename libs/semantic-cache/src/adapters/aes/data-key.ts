import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { CommitmentSalts, SaltKey } from '../../ports/content-cipher.js';

const SALT_KEY_INFO = 'nextmodel/commitment-salt/2';
const SALT_KEY_BYTES = 32;
const SALT_BYTES = 16;

/** A subject's data key: seals content, and makes the salts of commitments under a key derived from it. */
export class DataKey implements SaltKey {
  #saltKey: KeyObject | null = null;

  constructor(
    readonly keyId: string,
    readonly subject: string,
    readonly bytes: Buffer,
  ) {}

  saltsOf(receiptId: string): CommitmentSalts {
    // Derived once; a key object, because an HMAC with a buffer as key costs six times as much.
    this.#saltKey ??= createSecretKey(
      Buffer.from(hkdfSync('sha256', this.bytes, Buffer.alloc(0), SALT_KEY_INFO, SALT_KEY_BYTES)),
    );
    const both = createHmac('sha256', this.#saltKey).update(receiptId, 'utf8').digest();
    return { keyId: this.keyId, request: both.subarray(0, SALT_BYTES), response: both.subarray(SALT_BYTES) };
  }
}
