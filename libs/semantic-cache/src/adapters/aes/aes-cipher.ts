import { randomBytes } from 'node:crypto';
import type { ErasableContentCipher, KeyState, SaltKey } from '../../ports/content-cipher.js';
import type { SubjectKey, SubjectKeyStore } from '../../ports/subject-key-store.js';
import { DataKey } from './data-key.js';
import { MasterKey } from './master-key.js';
import { RecentMap } from './recent-map.js';
import { openBytes, sealBytes } from './sealed-bytes.js';

/** Keys derived from the master key: all content up to 0.1.0, and where no store of keys is shared. */
const DERIVED = '1';
/** Random keys in a store, so that each can be destroyed. */
const STORED = '2.';
const DATA_KEY_BYTES = 32;
const KEY_NAME_BYTES = 8;
const KEYS_CACHED_MAX = 10_000;
/** Clocks of processes may differ by this much: a key made so soon after an erasure is taken for one before it. */
const CLOCK_SKEW_MS = 60_000;
/** How long another process may take to hand a new key to a remote store. */
const HANDOVER_MS = 15_000;

/** AES-256-GCM with random data keys per subject, wrapped under the master key; the key id is authenticated too. */
export class AesCipher implements ErasableContentCipher {
  readonly #master: MasterKey;
  readonly #wrapping: Buffer;
  readonly #opening = new RecentMap<DataKey>(KEYS_CACHED_MAX);
  readonly #sealing = new RecentMap<DataKey>(KEYS_CACHED_MAX);
  /** Subject → when it was last erased. */
  readonly #erasedAtMs = new Map<string, number>();

  /**
   * @param masterKey 64 hex digits, or any other text of 32 characters or more.
   * @param store `null` = keys are derived from the master key: an erasure is then only a refusal to read.
   * @throws RouterError `configuration` when the master key is shorter.
   */
  constructor(
    masterKey: string,
    private readonly store: SubjectKeyStore | null,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.#master = new MasterKey(masterKey);
    this.#wrapping = this.#master.derive('nextmodel/subject-key/2');
  }

  seal(subject: string, plain: string): { readonly keyId: string; readonly sealed: string } {
    const { keyId, bytes } = this.#sealing.get(subject) ?? this.#sealingKey(subject);
    return { keyId, sealed: sealBytes(bytes, keyId, Buffer.from(plain, 'utf8')).toString('base64') };
  }

  open(keyId: string, sealed: string): string | null {
    const key = this.#opening.get(keyId) ?? this.#find(keyId);
    if (key === null) return null;
    return openBytes(key.bytes, keyId, Buffer.from(sealed, 'base64'))?.toString('utf8') ?? null;
  }

  keyState(keyId: string, storedAtMs: number): Promise<KeyState> | KeyState {
    if (this.#opening.get(keyId) !== undefined) return 'held';
    if (this.store === null || this.store.immediate || !isStored(keyId)) {
      return this.#find(keyId) === null ? 'gone' : 'held';
    }
    return this.#fetch(keyId, storedAtMs, this.store);
  }

  saltKey(subject: string): SaltKey {
    return this.#sealing.get(subject) ?? this.#sealingKey(subject);
  }

  openSaltKey(keyId: string): SaltKey | null {
    return this.#opening.get(keyId) ?? this.#find(keyId);
  }

  salt(subject: string, purpose: string): Uint8Array {
    return this.#master.salt(subject, purpose);
  }

  erase(subject: string, erasedAtMs: number): Promise<void> | void {
    this.#erasedAtMs.set(subject, Math.max(erasedAtMs, this.#erasedAtMs.get(subject) ?? 0));
    this.#sealing.delete(subject);
    this.#opening.deleteWhere((key) => key.subject === subject);
    const done = this.store?.erase(subject, erasedAtMs + CLOCK_SKEW_MS);
    if (done instanceof Promise) return done.then(() => undefined);
  }

  async close(): Promise<void> {
    await this.store?.close();
  }

  /** `null` = gone, or in a remote store and not fetched yet. */
  #find(keyId: string): DataKey | null {
    if (isStored(keyId)) {
      const kept = this.store?.immediate === true ? this.store.get(keyId) : null;
      return kept === null || kept instanceof Promise ? null : this.#unwrap(kept);
    }
    const subject = subjectOf(keyId);
    if (keyId !== `${subject}/${DERIVED}` || this.#erasedAtMs.has(subject)) return null;
    return this.#derived(subject);
  }

  async #fetch(keyId: string, storedAtMs: number, store: SubjectKeyStore): Promise<KeyState> {
    const kept = await store.get(keyId);
    if (kept !== null) return this.#unwrap(kept) === null ? 'gone' : 'held';
    if (storedAtMs < (this.#erasedAtMs.get(subjectOf(keyId)) ?? 0) + CLOCK_SKEW_MS) return 'gone';
    return storedAtMs + HANDOVER_MS > this.nowMs() ? 'awaited' : 'gone';
  }

  #sealingKey(subject: string): DataKey {
    if (this.store === null) {
      // A key of nobody's: what is sealed for an erased subject must not open under a key that can be made again.
      if (this.#erasedAtMs.has(subject)) return newKey(subject);
      const derived = this.#derived(subject);
      this.#sealing.set(subject, derived);
      return derived;
    }
    // Until clocks agree that the erasure is past, content is sealed under keys that nobody keeps.
    if (this.nowMs() < (this.#erasedAtMs.get(subject) ?? Number.NEGATIVE_INFINITY) + CLOCK_SKEW_MS) {
      return newKey(subject);
    }
    const kept = this.#newest(subject, this.store);
    if (kept !== null) return kept;
    const key = newKey(subject);
    this.#keep(key, this.store);
    return key;
  }

  #newest(subject: string, store: SubjectKeyStore): DataKey | null {
    try {
      const kept = store.newest(subject);
      const key = kept === null ? null : this.#unwrap(kept);
      if (key !== null) this.#sealing.set(subject, key);
      return key;
    } catch {
      return null;
    }
  }

  /** A store that fails costs the cached answer, never the request: nobody will have the key. */
  #keep(key: DataKey, store: SubjectKeyStore): void {
    const { keyId, subject } = key;
    const wrapped = sealBytes(this.#wrapping, keyId, key.bytes);
    try {
      const kept = store.put({ keyId, subject, createdAtMs: this.nowMs(), wrapped });
      if (kept instanceof Promise) kept.catch(() => {});
      this.#sealing.set(subject, key);
      this.#opening.set(keyId, key);
    } catch {
      // Tried again with the subject's next content.
    }
  }

  #unwrap({ keyId, subject, wrapped }: SubjectKey): DataKey | null {
    const bytes = openBytes(this.#wrapping, keyId, wrapped);
    if (bytes === null) return null;
    const key = new DataKey(keyId, subject, bytes);
    this.#opening.set(keyId, key);
    return key;
  }

  #derived(subject: string): DataKey {
    const keyId = `${subject}/${DERIVED}`;
    const key = new DataKey(keyId, subject, this.#master.derive(`nextmodel/content/${DERIVED}/${subject}`));
    this.#opening.set(keyId, key);
    return key;
  }
}

const subjectOf = (keyId: string): string => keyId.slice(0, keyId.lastIndexOf('/'));
const isStored = (keyId: string): boolean => keyId.startsWith(STORED, keyId.lastIndexOf('/') + 1);

function newKey(subject: string): DataKey {
  const keyId = `${subject}/${STORED}${randomBytes(KEY_NAME_BYTES).toString('hex')}`;
  return new DataKey(keyId, subject, randomBytes(DATA_KEY_BYTES));
}
