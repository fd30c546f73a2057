import { RouterError } from '#events/domain/router-error.js';
import type { AttemptFailure } from './attempt-failure.js';

/** A failure that no provider told us: the connection, the clock or the shape of the answer says it. */
export type OwnFailure =
  | 'connect'
  | 'reset_before_headers'
  | 'reset_in_body'
  | 'headers_timeout'
  | 'first_token_timeout'
  | 'body_timeout'
  | 'total_timeout'
  | 'bad_response'
  | 'redirect'
  | 'truncated';

const base = {
  nextTarget: 'yes',
  breaker: 'failure',
  clientType: 'server_error',
  param: null,
  retryAfterMs: null,
} as const;

const timeout = {
  ...base,
  code: 'upstream_timeout',
  retrySame: false,
  billed: 'unknown',
  clientStatus: 504,
} as const;

const badResponse = {
  ...base,
  code: 'upstream_bad_response',
  retrySame: false,
  billed: 'unknown',
  clientStatus: 502,
  publicMessage: 'The provider sent an answer that cannot be used.',
} as const;

/**
 * What the engine does about each, after the table of error classes in docs/reliability.md. `billed` is `no` only
 * where no byte of the request can have arrived.
 */
export const OWN_FAILURES: { readonly [F in OwnFailure]: AttemptFailure } = {
  connect: {
    ...base,
    code: 'upstream_unavailable',
    retrySame: false,
    billed: 'no',
    clientStatus: 503,
    publicMessage: 'The provider cannot be reached.',
  },
  reset_before_headers: {
    ...base,
    code: 'upstream_error',
    retrySame: true,
    billed: 'unknown',
    clientStatus: 502,
    publicMessage: 'The provider closed the connection without an answer.',
  },
  reset_in_body: { ...badResponse, publicMessage: 'The provider closed the connection inside its answer.' },
  headers_timeout: { ...timeout, publicMessage: 'The provider did not answer in time.' },
  first_token_timeout: { ...timeout, publicMessage: 'The provider sent no content in time.' },
  body_timeout: { ...timeout, publicMessage: 'The provider stopped in the middle of its answer.' },
  total_timeout: { ...timeout, nextTarget: 'no', publicMessage: 'The time for this request is over.' },
  bad_response: badResponse,
  redirect: { ...badResponse, billed: 'no', publicMessage: 'The provider answered with a redirect.' },
  truncated: {
    ...base,
    code: 'upstream_truncated',
    nextTarget: 'no',
    retrySame: false,
    billed: 'unknown',
    clientStatus: 502,
    publicMessage: 'The answer broke off at the provider and is incomplete.',
  },
};

/**
 * Something on our side threw while it made or read a call. A `RouterError` (a request that this kind of provider
 * cannot express) is told as it is; anything else is a bug. Neither is the provider's fault, and neither is retried.
 */
export function failureOfOurs(error: unknown): AttemptFailure {
  const ours = { nextTarget: 'no', retrySame: false, breaker: 'ignore', retryAfterMs: null } as const;
  if (error instanceof RouterError) {
    const { code, httpStatus, type, publicMessage, param } = error;
    return { ...ours, code, billed: 'no', clientStatus: httpStatus, clientType: type, publicMessage, param };
  }
  return {
    ...ours,
    code: 'internal',
    billed: 'unknown',
    clientStatus: 500,
    clientType: 'server_error',
    publicMessage: 'The gateway failed.',
    param: null,
  };
}
