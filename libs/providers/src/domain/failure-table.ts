import type { FailureClass } from './failure-class.js';

/** A row of the table: everything but what one refusal adds (its status, field and wait). */
export type FailureRow = Omit<FailureClass, 'param' | 'retryAfterMs'>;

const own = { clientType: 'invalid_request_error', breaker: 'ignore', retrySame: false, billed: 'no' } as const;
const theirs = { clientType: 'server_error', breaker: 'failure', nextTarget: 'yes', retrySame: true } as const;

/**
 * Who retries, who fails over, what the client sees: the table of error classes in docs/reliability.md as data.
 * `clientStatus` of `rejected` is replaced by the provider's own.
 */
export const FAILURES = {
  /** 400, 404, 413, 422: the same body fails everywhere. */
  rejected: {
    ...own,
    code: 'upstream_rejected',
    nextTarget: 'no',
    clientStatus: 400,
    publicMessage: 'The provider rejected the request.',
  },
  model_unknown: {
    ...own,
    code: 'model_not_found',
    nextTarget: 'no',
    clientStatus: 404,
    publicMessage: 'The provider does not know this model.',
  },
  context_length: {
    ...own,
    code: 'context_length_exceeded',
    nextTarget: 'larger_context',
    clientStatus: 400,
    publicMessage: "The request is longer than the model's context.",
  },
  content_policy: {
    ...own,
    code: 'content_policy_violation',
    nextTarget: 'policy_fallback',
    clientStatus: 400,
    publicMessage: 'The provider rejected the request under its content policy.',
  },
  /** Our key is bad. Never 401: the client would doubt its own. */
  auth: {
    code: 'upstream_auth_failed',
    retrySame: false,
    nextTarget: 'yes',
    breaker: 'eject_credential',
    billed: 'no',
    clientStatus: 502,
    clientType: 'server_error',
    publicMessage: 'The provider refused the credential of this gateway.',
  },
  quota: {
    code: 'upstream_quota_exhausted',
    retrySame: false,
    nextTarget: 'yes',
    breaker: 'eject_credential',
    billed: 'no',
    clientStatus: 429,
    clientType: 'server_error',
    publicMessage: 'The credit of this gateway at the provider is used up.',
  },
  /** `retrySame` only for a short wait that the provider named. */
  rate_limit: {
    code: 'upstream_rate_limited',
    retrySame: false,
    nextTarget: 'yes',
    breaker: 'throttle',
    billed: 'no',
    clientStatus: 429,
    clientType: 'requests',
    publicMessage: 'The provider asked to slow down. Try again later.',
  },
  timeout: {
    ...theirs,
    code: 'upstream_timeout',
    billed: 'unknown',
    clientStatus: 504,
    publicMessage: 'The provider did not answer in time.',
  },
  conflict: {
    ...theirs,
    code: 'upstream_error',
    breaker: 'ignore',
    billed: 'no',
    clientStatus: 409,
    clientType: 'invalid_request_error',
    publicMessage: 'The provider reported a conflict. Try again.',
  },
  /** 500 and what is like it. */
  error: {
    ...theirs,
    code: 'upstream_error',
    billed: 'no',
    clientStatus: 502,
    publicMessage: 'The provider failed.',
  },
  /** 502: the request may have run behind the proxy that says so. */
  bad_gateway: {
    ...theirs,
    code: 'upstream_error',
    billed: 'unknown',
    clientStatus: 502,
    publicMessage: 'The provider failed.',
  },
  /** 503, 529. */
  overloaded: {
    ...theirs,
    code: 'upstream_unavailable',
    billed: 'no',
    clientStatus: 503,
    publicMessage: 'The provider is overloaded. Try again later.',
  },
  /** 3xx is never followed. */
  redirect: {
    ...theirs,
    code: 'upstream_bad_response',
    retrySame: false,
    billed: 'no',
    clientStatus: 502,
    publicMessage: 'The provider answered with a redirect.',
  },
  /** A 200 that is none, or a status that means nothing. */
  bad_response: {
    ...theirs,
    code: 'upstream_bad_response',
    retrySame: false,
    billed: 'unknown',
    clientStatus: 502,
    publicMessage: 'The provider sent an answer that cannot be used.',
  },
} as const satisfies Record<string, FailureRow>;

export type FailureName = keyof typeof FAILURES;

/** Statuses with a meaning of their own; the rest goes by its hundred. */
export const BY_STATUS: ReadonlyMap<number, FailureName> = new Map<number, FailureName>([
  [401, 'auth'],
  [402, 'quota'],
  [403, 'auth'],
  [408, 'timeout'],
  [409, 'conflict'],
  [429, 'rate_limit'],
  [502, 'bad_gateway'],
  [503, 'overloaded'],
  [504, 'timeout'],
  [520, 'bad_gateway'],
  [522, 'timeout'],
  [524, 'timeout'],
  [529, 'overloaded'],
  [598, 'timeout'],
]);

/** Error types that stand in for a status where there is none: errors inside a 200 or a stream. */
export const STATUS_OF_TYPE: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['badrequesterror', 400],
  ['bad_request', 400],
  ['authentication_error', 401],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['too_many_requests', 429],
  ['requests', 429],
  ['tokens', 429],
  ['insufficient_quota', 429],
  ['billing_error', 402],
  ['api_error', 500],
  ['server_error', 500],
  ['internal_server_error', 500],
  ['internalservererror', 500],
  ['overloaded_error', 529],
  ['service_unavailable', 503],
  ['serveroverloaded', 503],
  ['timeout_error', 504],
  ['timeout', 504],
]);
