import type { LimitStore, LimitTaken } from '../../ports/limit-store.js';

const SWEEP_AT = 10_000;

interface Bucket {
  level: number;
  atMs: number;
  limit: number;
  windowMs: number;
}

/** Counters of one process. */
export class MemoryLimitStore implements LimitStore {
  readonly #buckets = new Map<string, Bucket>();
  readonly #places = new Map<string, Map<string, number>>();
  #sweepAt = SWEEP_AT;

  take(name: string, cost: number, limit: number, windowMs: number, nowMs: number): LimitTaken {
    const bucket = this.refilled(name, limit, windowMs, nowMs);
    if (bucket.level >= cost) {
      bucket.level -= cost;
      return { allowed: true, remaining: Math.max(0, Math.floor(bucket.level)), retryAfterMs: 0 };
    }
    const missing = cost - bucket.level;
    const retryAfterMs = cost > limit ? windowMs : Math.ceil((missing * windowMs) / limit);
    return { allowed: false, remaining: Math.max(0, Math.floor(bucket.level)), retryAfterMs };
  }

  charge(name: string, cost: number, limit: number, windowMs: number, nowMs: number): void {
    const bucket = this.refilled(name, limit, windowMs, nowMs);
    bucket.level = Math.min(limit, bucket.level - cost);
  }

  enter(name: string, holder: string, limit: number, leaseMs: number, nowMs: number): boolean {
    let places = this.#places.get(name);
    if (places === undefined) this.#places.set(name, (places = new Map()));
    if (places.size >= limit) for (const [id, endMs] of places) if (endMs <= nowMs) places.delete(id);
    if (places.size >= limit && !places.has(holder)) return false;
    places.set(holder, nowMs + leaseMs);
    return true;
  }

  leave(name: string, holder: string): void {
    const places = this.#places.get(name);
    if (places?.delete(holder) === true && places.size === 0) this.#places.delete(name);
  }

  async ping(): Promise<void> {}
  async close(): Promise<void> {}

  /** A clock that goes back takes nothing away. */
  private refilled(name: string, limit: number, windowMs: number, nowMs: number): Bucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepAt) this.sweep(nowMs);
      this.#buckets.set(name, (bucket = { level: limit, atMs: nowMs, limit, windowMs }));
      return bucket;
    }
    const passed = Math.max(0, nowMs - bucket.atMs);
    bucket.level = Math.min(limit, bucket.level + (passed * limit) / windowMs);
    bucket.atMs = Math.max(bucket.atMs, nowMs);
    bucket.limit = limit;
    bucket.windowMs = windowMs;
    return bucket;
  }

  /** A bucket that is full again is the same as none. */
  private sweep(nowMs: number): void {
    for (const [name, { level, atMs, limit, windowMs }] of this.#buckets) {
      if (level + ((nowMs - atMs) * limit) / windowMs >= limit) this.#buckets.delete(name);
    }
    this.#sweepAt = Math.max(SWEEP_AT, this.#buckets.size * 2);
  }
}
