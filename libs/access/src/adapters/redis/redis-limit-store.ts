import { Redis } from 'ioredis';
import { RouterError } from '#events/domain/router-error.js';
import type { LimitStore, LimitTaken } from '../../ports/limit-store.js';
import { BUCKET_SCRIPT, PLACE_SCRIPT } from './limit-scripts.js';

const CONNECT_TIMEOUT_MS = 3000;
/** A counter is worth less than the request that waits for it. */
const COMMAND_TIMEOUT_MS = 250;
const PREFIX = 'nextmodel:limit:';

interface Scripts {
  nextmodelBucket(key: string, ...args: (string | number)[]): Promise<[number, string, number]>;
  nextmodelPlace(key: string, ...args: (string | number)[]): Promise<number>;
}

/**
 * Counters in Redis or Valkey. One script per call, so that gateways cannot race one another.
 * Every call rejects with `store_unavailable` while the server is away; it reconnects by itself.
 */
export class RedisLimitStore implements LimitStore {
  readonly #redis: Redis & Scripts;

  constructor(url: string) {
    this.#redis = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      retryStrategy: (round) => Math.min(100 * 2 ** Math.min(round, 5), 3000),
    }) as Redis & Scripts;
    this.#redis.defineCommand('nextmodelBucket', { numberOfKeys: 1, lua: BUCKET_SCRIPT });
    this.#redis.defineCommand('nextmodelPlace', { numberOfKeys: 1, lua: PLACE_SCRIPT });
    this.#redis.on('error', () => {});
  }

  /** Waits for the first connection. A server that is away is no error here: calls reject until it is back. */
  async connect(): Promise<void> {
    await this.#redis.connect().catch(() => {});
  }

  async take(bucket: string, cost: number, limit: number, windowMs: number, nowMs: number): Promise<LimitTaken> {
    const [allowed, level, retryAfterMs] = await this.bucket(bucket, [cost, limit, windowMs, nowMs, 0]);
    return { allowed: allowed === 1, remaining: Math.max(0, Math.floor(Number(level))), retryAfterMs };
  }

  async charge(bucket: string, cost: number, limit: number, windowMs: number, nowMs: number): Promise<void> {
    await this.bucket(bucket, [cost, limit, windowMs, nowMs, 1]);
  }

  async enter(bucket: string, holder: string, limit: number, leaseMs: number, nowMs: number): Promise<boolean> {
    const key = `${PREFIX}place:${bucket}`;
    return (await guarded(this.#redis.nextmodelPlace(key, holder, limit, leaseMs, nowMs))) === 1;
  }

  async leave(bucket: string, holder: string): Promise<void> {
    await guarded(this.#redis.zrem(`${PREFIX}place:${bucket}`, holder));
  }

  async ping(): Promise<void> {
    await guarded(this.#redis.ping());
  }

  async close(): Promise<void> {
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  private bucket(name: string, args: readonly number[]): Promise<[number, string, number]> {
    return guarded(this.#redis.nextmodelBucket(`${PREFIX}bucket:${name}`, ...args));
  }
}

async function guarded<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage: 'The store of limits does not answer.',
      detail: error instanceof Error ? error.message : 'redis',
      httpStatus: 503,
      retryable: true,
      cause: error,
    });
  }
}
