import type { Redis } from 'ioredis';
import type { LimitStore, LimitTaken } from '../../ports/limit-store.js';
import { BUCKET_SCRIPT, PLACE_SCRIPT } from './limit-scripts.js';
import { answered, closeRedis, connectRedis, createRedis } from './redis-connection.js';

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
    this.#redis = createRedis(url, COMMAND_TIMEOUT_MS) as Redis & Scripts;
    this.#redis.defineCommand('nextmodelBucket', { numberOfKeys: 1, lua: BUCKET_SCRIPT });
    this.#redis.defineCommand('nextmodelPlace', { numberOfKeys: 1, lua: PLACE_SCRIPT });
  }

  connect(): Promise<void> {
    return connectRedis(this.#redis);
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

  close(): Promise<void> {
    return closeRedis(this.#redis);
  }

  private bucket(name: string, args: readonly number[]): Promise<[number, string, number]> {
    return guarded(this.#redis.nextmodelBucket(`${PREFIX}bucket:${name}`, ...args));
  }
}

const guarded = <T>(call: Promise<T>): Promise<T> => answered(call, 'The store of limits does not answer.');
