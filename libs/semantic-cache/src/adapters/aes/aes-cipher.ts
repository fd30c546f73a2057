import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { RouterError } from '#events/domain/router-error.js';
import type { ErasableContentCipher } from '../../ports/content-cipher.js';

const VERSION = '1';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SALT_BYTES = 16;
const MASTER_KEY_LENGTH_MIN = 32;
const KEYS_CACHED_MAX = 1_000;

/** AES-256-GCM with a key per subject, derived from the master key by HKDF-SHA256; the key id is authenticated too. */
export class AesCipher implements ErasableContentCipher {
  readonly #master: Buffer;
  readonly #keys = new Map<string, Buffer>();
  readonly #saltKeys = new Map<string, KeyObject>();
  readonly #erased = new Set<string>();

  /**
   * @param masterKey 32 random bytes as 64 hex digits; any other text of 32 characters or more goes in as its sha256.
   * @throws RouterError `configuration` when it is shorter.
   */
  constructor(masterKey: string) {
    if (masterKey.length < MASTER_KEY_LENGTH_MIN) {
      throw new RouterError({
        code: 'configuration',
        publicMessage: `The master key must have at least ${MASTER_KEY_LENGTH_MIN} characters.`,
      });
    }
    this.#master = /^[0-9a-fA-F]{64}$/.test(masterKey)
      ? Buffer.from(masterKey, 'hex')
      : createHash('sha256').update(masterKey, 'utf8').digest();
  }

  seal(subject: string, plain: string): { readonly keyId: string; readonly sealed: string } {
    const keyId = `${subject}/${VERSION}`;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(subject), iv);
    cipher.setAAD(Buffer.from(keyId, 'utf8'));
    const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return { keyId, sealed: Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64') };
  }

  open(keyId: string, sealed: string): string | null {
    const slash = keyId.lastIndexOf('/');
    const subject = keyId.slice(0, slash);
    if (slash < 0 || keyId.slice(slash + 1) !== VERSION || this.#erased.has(subject)) return null;
    const bytes = Buffer.from(sealed, 'base64');
    if (bytes.length < IV_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(subject), bytes.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(keyId, 'utf8'));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      const start = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
      return Buffer.concat([start, decipher.final()]).toString('utf8');
    } catch {
      return null;
    }
  }

  salt(subject: string, purpose: string): Uint8Array {
    let key = this.#saltKeys.get(subject);
    if (key === undefined) {
      // A key object: an HMAC with a buffer as key costs six times as much.
      key = createSecretKey(this.#derive(`nextmodel/salt/${subject}`, 32));
      if (this.#saltKeys.size >= KEYS_CACHED_MAX) this.#saltKeys.clear();
      this.#saltKeys.set(subject, key);
    }
    return createHmac('sha256', key).update(purpose, 'utf8').digest().subarray(0, SALT_BYTES);
  }

  erase(subject: string): void {
    this.#erased.add(subject);
    this.#keys.delete(subject);
    this.#saltKeys.delete(subject);
  }

  #keyOf(subject: string): Buffer {
    let key = this.#keys.get(subject);
    if (key === undefined) {
      key = this.#derive(`nextmodel/content/${VERSION}/${subject}`, 32);
      if (this.#keys.size >= KEYS_CACHED_MAX) this.#keys.clear();
      this.#keys.set(subject, key);
    }
    return key;
  }

  /** HKDF takes at most 1,024 bytes of info, so a long name goes in as its hash. */
  #derive(name: string, bytes: number): Buffer {
    const info = createHash('sha256').update(name, 'utf8').digest();
    return Buffer.from(hkdfSync('sha256', this.#master, Buffer.alloc(0), info, bytes));
  }
}
