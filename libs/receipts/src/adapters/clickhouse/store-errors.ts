import { ClickHouseError } from '@clickhouse/client';
import { RouterError } from '#events/domain/router-error.js';

/** Codes for data that the store will never take: cannot parse, out of range, unknown enum value, too large. */
const POISON = new Set([6, 25, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 376, 407, 691]);

/** What a failed statement means: `event_undecodable` for a refused row, else `store_unavailable`, which may be tried again. */
export function storeError(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  const known = error instanceof ClickHouseError ? `ClickHouse code ${error.code}, ${error.type ?? 'no name'}` : null;
  if (known !== null && POISON.has(Number((error as ClickHouseError).code))) {
    return new RouterError({
      code: 'event_undecodable',
      publicMessage: `The SQL store refuses a row (${known}).`,
      cause: error,
    });
  }
  return new RouterError({
    code: 'store_unavailable',
    publicMessage: `The SQL store cannot be used now (${known ?? 'no answer'}).`,
    httpStatus: 503,
    retryable: true,
    retryAfterMs: 1_000,
    cause: error,
  });
}
