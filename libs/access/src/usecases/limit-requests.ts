import { RouterError } from '#events/domain/router-error.js';
import { rateLimitHeaders } from '../domain/rate-limit-headers.js';
import { rateLimited } from '../domain/rate-limited.js';
import type { ApiKey } from '../ports/key-ring.js';
import type { LimitStore, LimitTaken } from '../ports/limit-store.js';
import { quietly } from './quietly.js';

const MINUTE_MS = 60_000;

/** A request that was let in. */
export interface Admission {
  /** `x-ratelimit-*` for the answer; empty for a key without limits. */
  readonly headers: Readonly<Record<string, string>>;
  /** Call once when the request has ended, with the tokens it used; frees the place. Never rejects. */
  done(tokensUsed: number, nowMs: number): void;
}

export interface LimiterParts {
  readonly store: LimitStore;
  /** Counts while `store` does not answer: requests flow, limits then hold per process. */
  readonly fallback: LimitStore;
  /** Longest life of a request: a place is free again after it in any case. */
  readonly leaseMs: number;
}

/** Lets requests in within the limits of their key. */
export interface Limiter {
  /**
   * Synchronous for keys without limits.
   * @param holder the receipt id.
   * @param tokensExpected a cautious guess; corrected by `done`.
   * @throws RouterError `rate_limit_exceeded` (429) with `retryAfterMs`; nothing is then taken.
   */
  admit(key: ApiKey, holder: string, tokensExpected: number, nowMs: number): Promise<Admission> | Admission;
}

const UNLIMITED: Admission = { headers: {}, done: () => {} };

export function createLimiter({ store, fallback, leaseMs }: LimiterParts): Limiter {
  return {
    admit(key, holder, tokensExpected, nowMs) {
      const { requestsPerMinute, tokensPerMinute, concurrent } = key.limits;
      if (requestsPerMinute === undefined && tokensPerMinute === undefined && concurrent === undefined) {
        return UNLIMITED;
      }
      return admit({ key, holder, tokensExpected, nowMs, leaseMs }, store).catch((error: unknown) => {
        if (!(error instanceof RouterError) || error.code !== 'store_unavailable') throw error;
        return admit({ key, holder, tokensExpected, nowMs, leaseMs }, fallback);
      });
    },
  };
}

interface Asked {
  readonly key: ApiKey;
  readonly holder: string;
  readonly tokensExpected: number;
  readonly nowMs: number;
  readonly leaseMs: number;
}

async function admit({ key, holder, tokensExpected, nowMs, leaseMs }: Asked, store: LimitStore): Promise<Admission> {
  const { requestsPerMinute, tokensPerMinute, concurrent } = key.limits;
  const places = `${key.keyId}:concurrent`;
  const requests = `${key.keyId}:requests`;
  const tokens = `${key.keyId}:tokens`;
  if (concurrent !== undefined && !(await store.enter(places, holder, concurrent, leaseMs, nowMs))) {
    throw rateLimited(`This key allows ${concurrent} requests at once.`, 1000);
  }
  let headers: Readonly<Record<string, string>> = {};
  try {
    if (requestsPerMinute !== undefined) {
      const taken = await store.take(requests, 1, requestsPerMinute, MINUTE_MS, nowMs);
      if (!taken.allowed)
        throw rateLimited(`This key allows ${requestsPerMinute} requests per minute.`, taken.retryAfterMs);
      headers = rateLimitHeaders('requests', stateOf(taken, requestsPerMinute));
    }
    if (tokensPerMinute !== undefined) {
      // A request that expects more than a minute's worth may still use less: it needs a full bucket.
      const cost = Math.min(tokensExpected, tokensPerMinute);
      const taken = await store.take(tokens, cost, tokensPerMinute, MINUTE_MS, nowMs);
      if (!taken.allowed) {
        if (requestsPerMinute !== undefined) await store.charge(requests, -1, requestsPerMinute, MINUTE_MS, nowMs);
        throw rateLimited(`This key allows ${tokensPerMinute} tokens per minute.`, taken.retryAfterMs);
      }
      headers = { ...headers, ...rateLimitHeaders('tokens', stateOf(taken, tokensPerMinute)) };
    }
  } catch (error) {
    if (concurrent !== undefined) quietly(() => store.leave(places, holder));
    throw error;
  }
  let ended = false;
  return {
    headers,
    done(tokensUsed, endMs) {
      if (ended) return;
      ended = true;
      if (concurrent !== undefined) quietly(() => store.leave(places, holder));
      if (tokensPerMinute === undefined) return;
      const difference = tokensUsed - Math.min(tokensExpected, tokensPerMinute);
      if (difference !== 0) quietly(() => store.charge(tokens, difference, tokensPerMinute, MINUTE_MS, endMs));
    },
  };
}

const stateOf = (taken: LimitTaken, limit: number) => ({ limit, remaining: taken.remaining, windowMs: MINUTE_MS });
