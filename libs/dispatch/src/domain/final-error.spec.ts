import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptFailure } from './attempt-failure.js';
import { blockedError, chooseFinalError } from './final-error.js';
import { withoutKeys } from './key-like-text.js';
import { OWN_FAILURES } from './own-failure.js';

const failure = (over: Partial<AttemptFailure>): AttemptFailure => ({ ...OWN_FAILURES.bad_response, ...over });
const limited = (retryAfterMs: number | null): AttemptFailure =>
  failure({
    code: 'upstream_rate_limited',
    clientStatus: 429,
    clientType: 'requests',
    breaker: 'throttle',
    retryAfterMs,
  });

describe('chooseFinalError', () => {
  it('tells the last attempt', () => {
    const error = chooseFinalError([failure({}), OWN_FAILURES.headers_timeout]);

    expect(error).toMatchObject({ code: 'upstream_timeout', httpStatus: 504, retryable: true, retryAfterMs: null });
  });

  it('tells the smallest wait of all rate limits', () => {
    expect(chooseFinalError([limited(1_500), limited(null), limited(9_000)]).retryAfterMs).toBe(1_500);
  });

  it('lets a refused credential hide nothing', () => {
    const auth = failure({ code: 'upstream_auth_failed', breaker: 'eject_credential' });

    expect(chooseFinalError([OWN_FAILURES.headers_timeout, auth]).code).toBe('upstream_timeout');
    expect(chooseFinalError([auth]).code).toBe('upstream_auth_failed');
  });

  it('never gives a 401 to the client', () => {
    expect(chooseFinalError([failure({ clientStatus: 401 })]).httpStatus).toBe(502);
  });
});

describe('blockedError', () => {
  it('is a rate limit only when all targets are rate limited', () => {
    expect(blockedError({ retryAfterMs: 1_200.5, throttled: true })).toMatchObject({
      httpStatus: 429,
      retryAfterMs: 1_201,
    });
    expect(blockedError({ retryAfterMs: 5, throttled: false })).toMatchObject({
      httpStatus: 503,
      code: 'upstream_unavailable',
    });
  });
});

describe('withoutKeys', () => {
  it.each([
    ['Incorrect API key provided: sk-proj-abc123DEF456', 'Incorrect API key provided: [removed]'],
    ['url https://x/v1?key=verysecret&a=1', 'url https://x/v1?key=[removed]&a=1'],
    ['got Bearer abc.def', 'got [removed]'],
    ['line\r\nbreak', 'line break'],
    ['plain words stay as they are', 'plain words stay as they are'],
  ])('%s', (text, clean) => {
    expect(withoutKeys(text)).toBe(clean);
  });

  it('lets no key of a known shape through, wherever it stands', () => {
    const key = fc.stringMatching(/^(sk|nm|xai)-[A-Za-z0-9]{16,48}$/);
    fc.assert(
      fc.property(fc.lorem(), key, fc.lorem(), (before, secret, after) => {
        expect(withoutKeys(`${before} ${secret} ${after}`)).not.toContain(secret);
      }),
    );
  });
});
