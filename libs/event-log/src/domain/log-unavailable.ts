import { RouterError } from '#events/domain/router-error.js';

/** How long a writer waits between probes of a log that could not take records; told to clients as `retry-after-ms`. */
export const PROBE_INTERVAL_MS = 200;

/**
 * The log cannot take records: disk full, failed sync, or closed. The caller must not go upstream; the same call may
 * succeed later.
 * @param detail for logs; names the failed operation, never a payload.
 */
export function logUnavailable(detail: string, cause?: unknown): RouterError {
  return new RouterError({
    code: 'receipt_log_unavailable',
    publicMessage: 'The receipt log cannot take records at the moment, so nothing was sent to a provider.',
    retryable: true,
    httpStatus: 503,
    retryAfterMs: 1000,
    detail,
    cause,
  });
}
