import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { RouterError } from '#events/domain/router-error.js';
import { RecentMap } from './recent-map.js';

const LENGTH_MIN = 32;
const SALT_BYTES = 16;
const SALT_KEYS_MAX = 1_000;

/** Derives what is derived from the master key (HKDF-SHA256), each under a name of its own. */
export class MasterKey {
  readonly #bytes: Buffer;
  readonly #saltKeys = new RecentMap<KeyObject>(SALT_KEYS_MAX);

  /**
   * @param text 32 random bytes as 64 hex digits; any other text of 32 characters or more goes in as its sha256.
   * @throws RouterError `configuration` when it is shorter.
   */
  constructor(text: string) {
    if (text.length < LENGTH_MIN) {
      throw new RouterError({
        code: 'configuration',
        publicMessage: `The master key must have at least ${LENGTH_MIN} characters.`,
      });
    }
    this.#bytes = /^[0-9a-fA-F]{64}$/.test(text)
      ? Buffer.from(text, 'hex')
      : createHash('sha256').update(text, 'utf8').digest();
  }

  /** 32 bytes. HKDF takes at most 1,024 bytes of info, so a long name goes in as its hash. */
  derive(name: string): Buffer {
    const info = createHash('sha256').update(name, 'utf8').digest();
    return Buffer.from(hkdfSync('sha256', this.#bytes, Buffer.alloc(0), info, 32));
  }

  salt(subject: string, purpose: string): Uint8Array {
    let key = this.#saltKeys.get(subject);
    if (key === undefined) {
      // A key object: an HMAC with a buffer as key costs six times as much.
      key = createSecretKey(this.derive(`nextmodel/salt/${subject}`));
      this.#saltKeys.set(subject, key);
    }
    return createHmac('sha256', key).update(purpose, 'utf8').digest().subarray(0, SALT_BYTES);
  }
}
