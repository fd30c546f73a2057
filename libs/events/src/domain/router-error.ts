/**
 * Every code that an error of ours can carry. `docs/errors.md` explains each: meaning, status, what to do.
 * A new code is an API change: add it there too.
 */
export const ROUTER_ERROR_CODES = [
  'invalid_request',
  'invalid_json',
  'request_too_large',
  'invalid_api_key',
  'model_not_allowed',
  'model_not_found',
  'not_found',
  'method_not_allowed',
  'insufficient_quota',
  'rate_limit_exceeded',
  'context_length_exceeded',
  'content_policy_violation',
  'idempotency_in_progress',
  'idempotency_mismatch',
  'only_if_cached',
  'cost_limit_exceeded',
  'upstream_rejected',
  'upstream_auth_failed',
  'upstream_quota_exhausted',
  'upstream_rate_limited',
  'upstream_error',
  'upstream_unavailable',
  'upstream_timeout',
  'upstream_bad_response',
  'upstream_truncated',
  'client_closed',
  'overloaded',
  'shutting_down',
  'receipt_log_unavailable',
  'store_unavailable',
  'event_undecodable',
  'configuration',
  'data_directory_owned',
  'port_in_use',
  'internal',
] as const;

export type RouterErrorCode = (typeof ROUTER_ERROR_CODES)[number];

/** What a client of the HTTP surface is told beside the text; see `toOpenAiError` in `openai-wire`. */
export interface PublicErrorFields {
  /** HTTP status, before any byte was sent. */
  readonly httpStatus: number;
  /** OpenAI's `error.type`. */
  readonly type: string;
  /** OpenAI's `error.param`: the field at fault. */
  readonly param: string | null;
  /** Milliseconds after which the same call may succeed; becomes `retry-after` and `retry-after-ms`. */
  readonly retryAfterMs: number | null;
}

export interface RouterErrorInit {
  readonly code: RouterErrorCode;
  /** What a caller may read: no keys, no prompt text, no upstream host names. */
  readonly publicMessage: string;
  /** Could the same call succeed if it were made again, unchanged? */
  readonly retryable?: boolean;
  readonly httpStatus?: number;
  readonly type?: string;
  readonly param?: string | null;
  readonly retryAfterMs?: number | null;
  /** For logs only; defaults to the public text. Never a secret or a prompt. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** Base of every error thrown on purpose. Anything else that is thrown is a bug: 500, code `internal`. */
export class RouterError extends Error implements PublicErrorFields {
  readonly code: RouterErrorCode;
  readonly retryable: boolean;
  readonly publicMessage: string;
  readonly httpStatus: number;
  readonly type: string;
  readonly param: string | null;
  readonly retryAfterMs: number | null;

  constructor(init: RouterErrorInit) {
    super(init.detail ?? init.publicMessage, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = new.target.name;
    this.code = init.code;
    this.retryable = init.retryable ?? false;
    this.publicMessage = init.publicMessage;
    this.httpStatus = init.httpStatus ?? 500;
    this.type = init.type ?? (this.httpStatus < 500 ? 'invalid_request_error' : 'server_error');
    this.param = init.param ?? null;
    this.retryAfterMs = init.retryAfterMs ?? null;
  }
}
