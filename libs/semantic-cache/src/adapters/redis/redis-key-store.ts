import { Redis } from 'ioredis';
import { RouterError } from '#events/domain/router-error.js';
import type { SubjectKey, SubjectKeyStore } from '../../ports/subject-key-store.js';

const CONNECT_TIMEOUT_MS = 3_000;
const COMMAND_TIMEOUT_MS = 250;
const PREFIX = 'nextmodel:subject-keys:';
const RETRY_MS = 500;
/** Keys of subjects that were new while the server was away; the oldest goes, and with it one cached answer. */
const WAITING_MAX = 10_000;
/** Keys handed over that are handed over again when the server comes back: it may have come back without them. */
const HANDED_MAX = 10_000;

/**
 * Keys in Redis or Valkey, one hash per subject, for gateways and indexers on several machines. The values are wrapped
 * under the master key. After an erasure the append-only file is rewritten where the server allows it.
 */
export class RedisKeyStore implements SubjectKeyStore {
  readonly immediate = false;
  readonly #redis: Redis;
  readonly #waiting = new Map<string, SubjectKey>();
  readonly #handed = new Map<string, SubjectKey>();
  #retry: NodeJS.Timeout | null = null;

  constructor(url: string) {
    this.#redis = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      retryStrategy: (round) => Math.min(100 * 2 ** Math.min(round, 5), 3_000),
    });
    this.#redis.on('error', () => {});
    this.#redis.on('ready', () => this.#handAgain());
  }

  /** Waits for the first connection. A server that is away is no error here: calls reject until it is back. */
  async connect(): Promise<void> {
    await this.#redis.connect().catch(() => {});
  }

  async put(key: SubjectKey): Promise<void> {
    this.#waiting.set(key.keyId, key);
    const oldest = this.#waiting.size > WAITING_MAX ? this.#waiting.keys().next() : null;
    if (oldest?.done === false) this.#waiting.delete(oldest.value);
    await this.#hand(key);
  }

  async get(keyId: string): Promise<SubjectKey | null> {
    const waiting = this.#waiting.get(keyId);
    if (waiting !== undefined) return waiting;
    const subject = keyId.slice(0, keyId.lastIndexOf('/'));
    const text = await guarded(this.#redis.hget(PREFIX + subject, keyId));
    return text === null ? null : parseKey(keyId, subject, text);
  }

  /** Known only to the server: this process makes a key of its own. */
  newest(): null {
    return null;
  }

  async erase(subject: string, beforeMs: number): Promise<number> {
    for (const key of this.#waiting.values()) {
      if (key.subject === subject && key.createdAtMs < beforeMs) this.#waiting.delete(key.keyId);
    }
    for (const key of this.#handed.values()) {
      if (key.subject === subject && key.createdAtMs < beforeMs) this.#handed.delete(key.keyId);
    }
    const held = await guarded(this.#redis.hgetall(PREFIX + subject));
    const gone = Object.entries(held)
      .filter(([keyId, text]) => (parseKey(keyId, subject, text)?.createdAtMs ?? 0) < beforeMs)
      .map(([keyId]) => keyId);
    if (gone.length === 0) return 0;
    const count = await guarded(this.#redis.hdel(PREFIX + subject, ...gone));
    // Refused by some hosted servers; the keys are then in the append-only file until the server rewrites it.
    await this.#redis.call('BGREWRITEAOF').catch(() => {});
    return count;
  }

  async close(): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    await Promise.allSettled([...this.#waiting.values()].map((key) => this.#hand(key)));
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  async #hand(key: SubjectKey): Promise<void> {
    const text = JSON.stringify([key.createdAtMs, Buffer.from(key.wrapped).toString('base64')]);
    try {
      await guarded(this.#redis.hsetnx(PREFIX + key.subject, key.keyId, text));
      if (this.#waiting.get(key.keyId) === key) this.#keepHanded(key);
      // Erased while it was on its way.
      else if (this.#handed.get(key.keyId) !== key) await guarded(this.#redis.hdel(PREFIX + key.subject, key.keyId));
    } catch (error) {
      this.#retry ??= setTimeout(() => this.#retryAll(), RETRY_MS).unref();
      throw error;
    }
  }

  #keepHanded(key: SubjectKey): void {
    this.#waiting.delete(key.keyId);
    this.#handed.set(key.keyId, key);
    const oldest = this.#handed.size > HANDED_MAX ? this.#handed.keys().next() : null;
    if (oldest?.done === false) this.#handed.delete(oldest.value);
  }

  /** A server without persistence forgets its keys at a restart; this process still seals under them. */
  #handAgain(): void {
    for (const key of this.#handed.values()) this.#waiting.set(key.keyId, key);
    this.#handed.clear();
    this.#retryAll();
  }

  #retryAll(): void {
    this.#retry = null;
    for (const key of this.#waiting.values()) this.#hand(key).catch(() => {});
  }
}

function parseKey(keyId: string, subject: string, text: string): SubjectKey | null {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value) || typeof value[0] !== 'number' || typeof value[1] !== 'string') return null;
  return { keyId, subject, createdAtMs: value[0], wrapped: Buffer.from(value[1], 'base64') };
}

async function guarded<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage: 'The store of subject keys does not answer.',
      detail: error instanceof Error ? error.message : 'redis',
      httpStatus: 503,
      retryable: true,
      cause: error,
    });
  }
}
