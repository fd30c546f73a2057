import { RouterError } from '#events/domain/router-error.js';

/** 429 for a caller who may come again after a while. */
export function rateLimited(publicMessage: string, retryAfterMs: number): RouterError {
  return new RouterError({
    code: 'rate_limit_exceeded',
    publicMessage,
    httpStatus: 429,
    type: 'rate_limit_error',
    retryable: true,
    retryAfterMs,
  });
}
