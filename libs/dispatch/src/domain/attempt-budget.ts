/** One target is never called more often than this for one request. */
export const TRIES_PER_TARGET_MAX = 2;
/** No attempt starts later than this after the request, whatever the total timeout is. */
const START_DEADLINE_MS = 20_000;
const START_DEADLINE_SHARE = 0.25;

/**
 * Milliseconds after which a request starts no further attempt: a client whose time is nearly over gains nothing
 * from another call, and the provider would bill it.
 */
export function startDeadlineMs(totalTimeoutMs: number): number {
  return Math.min(START_DEADLINE_MS, totalTimeoutMs * START_DEADLINE_SHARE);
}
