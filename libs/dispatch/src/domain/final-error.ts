import { RouterError } from '#events/domain/router-error.js';
import type { AttemptFailure } from './attempt-failure.js';
import { withoutKeys } from './key-like-text.js';

/** Why nothing was called at all. */
export interface AllBlocked {
  readonly retryAfterMs: number;
  /** Every target is only waiting out a rate limit. */
  readonly throttled: boolean;
}

/**
 * The error that the client sees: of the last attempt that says something about the request. A refused credential is
 * our own matter and hides nothing else. A rate limit tells the smallest wait of all targets.
 * @param failures of all attempts in order; not empty.
 */
export function chooseFinalError(failures: readonly AttemptFailure[]): RouterError {
  const telling = failures.filter((failure) => failure.breaker !== 'eject_credential');
  const failure = (telling.length > 0 ? telling : failures).at(-1)!;
  // A 401 of the provider is about our key; passed on, the client would doubt its own.
  const status = failure.clientStatus === 401 || failure.clientStatus < 400 ? 502 : failure.clientStatus;
  const waits = failures.flatMap((each) => (each.retryAfterMs === null ? [] : [each.retryAfterMs]));
  const tellsWait = status === 429 || status === 503;
  return new RouterError({
    code: failure.code,
    publicMessage: withoutKeys(failure.publicMessage),
    httpStatus: status,
    type: failure.clientType,
    param: failure.param === null ? null : withoutKeys(failure.param),
    retryable: status === 429 || status >= 500,
    retryAfterMs: tellsWait && waits.length > 0 ? Math.min(...waits) : null,
  });
}

/** All targets are cut off for now: told at once, with the shortest wait. */
export function blockedError(blocked: AllBlocked): RouterError {
  return new RouterError({
    code: blocked.throttled ? 'upstream_rate_limited' : 'upstream_unavailable',
    publicMessage: blocked.throttled
      ? 'The provider asked to slow down. Try again later.'
      : 'No provider for this model is available right now. Try again later.',
    httpStatus: blocked.throttled ? 429 : 503,
    type: blocked.throttled ? 'requests' : 'server_error',
    retryable: true,
    retryAfterMs: Math.max(1, Math.ceil(blocked.retryAfterMs)),
  });
}

/** The answer broke after its first content; nothing can be retried. */
export function truncatedError(): RouterError {
  return new RouterError({
    code: 'upstream_truncated',
    publicMessage: 'The answer broke off at the provider and is incomplete.',
    httpStatus: 502,
    type: 'server_error',
    retryable: true,
  });
}

/** Nobody waits for the answer any more. */
export function clientClosedError(): RouterError {
  return new RouterError({
    code: 'client_closed',
    publicMessage: 'The client closed the connection.',
    httpStatus: 499,
    type: 'invalid_request_error',
  });
}

/** The intent is not in the log, so nothing was sent. */
export function notRecordedError(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  return new RouterError({
    code: 'receipt_log_unavailable',
    publicMessage: 'The receipt log cannot take this request right now.',
    httpStatus: 503,
    type: 'server_error',
    retryable: true,
    retryAfterMs: 1_000,
    cause: error,
  });
}
