import { describe, expect, it } from 'vitest';
import { RouterError } from '#events/domain/router-error.js';
import type { KeyLimits } from '#events/domain/router-event.js';
import { MemoryLimitStore } from '../adapters/memory/memory-limit-store.js';
import { showDuration } from '../domain/rate-limit-headers.js';
import type { ApiKey } from '../ports/key-ring.js';
import type { LimitStore } from '../ports/limit-store.js';
import { createLimiter } from './limit-requests.js';

const keyWith = (limits: KeyLimits): ApiKey => ({
  keyId: 'k',
  name: 'n',
  tenantId: 't',
  projectId: 'p',
  models: [],
  limits,
  budgetUsd: null,
  createdAt: '',
  revokedAt: null,
});
const limiterOver = (store: LimitStore) => createLimiter({ store, fallback: new MemoryLimitStore(), leaseMs: 600_000 });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('limits of a key', () => {
  it('lets a key without limits through without waiting', () => {
    const admission = limiterOver(new MemoryLimitStore()).admit(keyWith({}), 'r1', 10, 0);

    expect(admission).not.toBeInstanceOf(Promise);
    expect(admission).toMatchObject({ headers: {} });
  });

  it('shows OpenAI’s headers and refuses with the time to wait', async () => {
    const limiter = limiterOver(new MemoryLimitStore());
    const key = keyWith({ requestsPerMinute: 2, tokensPerMinute: 1000 });

    const first = await limiter.admit(key, 'r1', 100, 0);
    await limiter.admit(key, 'r2', 100, 0);
    const third = Promise.resolve(limiter.admit(key, 'r3', 100, 0));

    expect(first.headers).toEqual({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-reset-requests': '30s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '900',
      'x-ratelimit-reset-tokens': '6s',
    });
    await expect(third).rejects.toMatchObject({ code: 'rate_limit_exceeded', httpStatus: 429, retryAfterMs: 30_000 });
  });

  it('takes nothing for a request that it refuses', async () => {
    const limiter = limiterOver(new MemoryLimitStore());
    const key = keyWith({ requestsPerMinute: 2, tokensPerMinute: 100, concurrent: 1 });

    const first = await limiter.admit(key, 'r1', 60, 0);
    first.done(60, 0);
    await settled();
    await expect(limiter.admit(key, 'r2', 60, 0)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    const third = await limiter.admit(key, 'r3', 40, 0);

    expect(third.headers['x-ratelimit-remaining-requests']).toBe('0');
  });

  it('corrects the guess by what was used, once', async () => {
    const limiter = limiterOver(new MemoryLimitStore());
    const key = keyWith({ tokensPerMinute: 1000 });

    const first = await limiter.admit(key, 'r1', 500, 0);
    first.done(100, 0);
    first.done(100, 0);
    await settled();
    const second = await limiter.admit(key, 'r2', 0, 0);

    expect(second.headers['x-ratelimit-remaining-tokens']).toBe('900');
  });

  it('frees the place of a request that has ended', async () => {
    const limiter = limiterOver(new MemoryLimitStore());
    const key = keyWith({ concurrent: 1 });

    const first = await limiter.admit(key, 'r1', 0, 0);
    await expect(limiter.admit(key, 'r2', 0, 0)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    first.done(0, 0);
    await settled();

    await expect(limiter.admit(key, 'r3', 0, 0)).resolves.toBeDefined();
  });

  it('counts in the process while the shared store is away', async () => {
    const away = new Proxy(new MemoryLimitStore(), {
      get: () => () => Promise.reject(new RouterError({ code: 'store_unavailable', publicMessage: 'away' })),
    });
    const limiter = limiterOver(away);
    const key = keyWith({ requestsPerMinute: 1 });

    await limiter.admit(key, 'r1', 0, 0);

    await expect(limiter.admit(key, 'r2', 0, 0)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
  });

  it('writes durations as OpenAI does', () => {
    expect([0, 250, 1500, 59_999, 60_000, 360_000].map(showDuration)).toEqual([
      '0s',
      '250ms',
      '1.5s',
      '1m0s',
      '1m0s',
      '6m0s',
    ]);
  });
});
