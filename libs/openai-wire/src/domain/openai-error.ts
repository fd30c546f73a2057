import type { RouterError, RouterErrorCode } from '#events/domain/router-error.js';

/** An error as the OpenAI SDKs read it. */
interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

export interface OpenAiErrorResponse {
  readonly status: number;
  /** Lower-case names; `content-type` included. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text of an `OpenAiErrorBody`. */
  readonly body: string;
}

/**
 * Where the gateway has spent its attempts already, another round by the client only multiplies load and cost. With a
 * wait that is known (rate limit, open breakers) the client may come back after it.
 */
const RETRIED_HERE: ReadonlySet<RouterErrorCode> = new Set<RouterErrorCode>([
  'upstream_rejected',
  'upstream_auth_failed',
  'upstream_quota_exhausted',
  'upstream_rate_limited',
  'upstream_error',
  'upstream_unavailable',
  'upstream_timeout',
  'upstream_bad_response',
  'upstream_truncated',
]);

/** Not cured by waiting: the SDKs would retry these statuses (409, 429) by themselves. */
const NEVER_RETRY: ReadonlySet<RouterErrorCode> = new Set<RouterErrorCode>([
  'insufficient_quota',
  'idempotency_mismatch',
  'cost_limit_exceeded',
]);

/** Wait told to a client when nothing better is known. */
const RETRY_AFTER_MS = 1_000;

/** The body with all four keys. The code of a plain validation error is `null`, as at OpenAI. */
function toOpenAiErrorBody(error: RouterError): OpenAiErrorBody {
  const code = error.code === 'invalid_request' ? null : error.code;
  return { error: { message: error.publicMessage, type: error.type, param: error.param, code } };
}

/**
 * An error before any byte of the answer was sent. 429 and 503 always tell a wait, as `retry-after` in seconds
 * (rounded up) and `retry-after-ms`; `x-should-retry` tells the OpenAI SDKs what their status rules get wrong.
 */
export function toOpenAiError(error: RouterError): OpenAiErrorResponse {
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
  const waits = error.httpStatus === 429 || error.httpStatus === 503;
  if (waits || error.retryAfterMs !== null) {
    const ms = Math.max(0, Math.ceil(error.retryAfterMs ?? RETRY_AFTER_MS));
    headers['retry-after'] = String(Math.ceil(ms / 1000));
    headers['retry-after-ms'] = String(ms);
  }
  const retriedHere = RETRIED_HERE.has(error.code) && error.retryAfterMs === null;
  if (retriedHere || NEVER_RETRY.has(error.code)) headers['x-should-retry'] = 'false';
  return { status: error.httpStatus, headers, body: JSON.stringify(toOpenAiErrorBody(error)) };
}

/** Data of the one frame that ends a broken stream; the stream closes after it, without `[DONE]`. */
export function toErrorFrame(error: RouterError): string {
  return JSON.stringify(toOpenAiErrorBody(error));
}
