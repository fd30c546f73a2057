import { RouterError } from '#events/domain/router-error.js';
import { describe, expect, it } from 'vitest';
import { toErrorFrame, toOpenAiError } from './openai-error.js';

describe('toOpenAiError', () => {
  it('has all four keys, null where there is nothing', () => {
    const error = new RouterError({ code: 'invalid_api_key', publicMessage: 'Wrong key.', httpStatus: 401 });

    const shown = toOpenAiError(error);

    expect(shown.status).toBe(401);
    expect(JSON.parse(shown.body)).toEqual({
      error: { message: 'Wrong key.', type: 'invalid_request_error', param: null, code: 'invalid_api_key' },
    });
    expect(shown.headers).toEqual({ 'content-type': 'application/json; charset=utf-8' });
  });

  it('names the field of a plain validation error and no code', () => {
    const error = new RouterError({ code: 'invalid_request', publicMessage: 'm', httpStatus: 400, param: 'messages' });

    expect(JSON.parse(toOpenAiError(error).body)).toMatchObject({ error: { code: null, param: 'messages' } });
  });

  it('rounds the wait up to whole seconds and keeps the milliseconds', () => {
    const error = new RouterError({
      code: 'rate_limit_exceeded',
      publicMessage: 'm',
      httpStatus: 429,
      retryAfterMs: 1001,
    });

    expect(toOpenAiError(error).headers).toMatchObject({ 'retry-after': '2', 'retry-after-ms': '1001' });
  });

  it.each([429, 503])('tells some wait on every %i', (httpStatus) => {
    const error = new RouterError({ code: 'overloaded', publicMessage: 'm', httpStatus });

    expect(Number(toOpenAiError(error).headers['retry-after-ms'])).toBeGreaterThan(0);
    expect(toOpenAiError(error).headers['x-should-retry']).toBeUndefined();
  });

  it.each(['upstream_error', 'upstream_timeout', 'insufficient_quota'] as const)('forbids a retry after %s', (code) => {
    const error = new RouterError({ code, publicMessage: 'm', httpStatus: 502 });

    expect(toOpenAiError(error).headers['x-should-retry']).toBe('false');
  });

  it('lets a client come back after a wait that the provider asked for', () => {
    const error = new RouterError({
      code: 'upstream_rate_limited',
      publicMessage: 'm',
      httpStatus: 429,
      retryAfterMs: 5000,
    });

    expect(toOpenAiError(error).headers['x-should-retry']).toBeUndefined();
    expect(toOpenAiError(error).headers['retry-after']).toBe('5');
  });

  it('shows the public text only', () => {
    const error = new RouterError({ code: 'internal', publicMessage: 'Something broke.', detail: 'sk-secret' });

    expect(toOpenAiError(error).body + toErrorFrame(error)).not.toContain('sk-secret');
  });
});
