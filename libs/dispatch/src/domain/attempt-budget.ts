/** One target is never called more often than this for one request. */
export const TRIES_PER_TARGET_MAX = 2;
/** A failed attempt may be followed by another one until so long after the request. */
const START_DEADLINE_MS = 20_000;
/** A first attempt that used up its whole patience leaves this much for the start of a second one. */
const AFTER_PATIENCE_MS = 5_000;
const START_DEADLINE_SHARE = 0.25;

/**
 * Milliseconds after which a request starts no further attempt: a client whose time is nearly over gains nothing
 * from another call, and the provider would bill it. A stall at the first target must still leave room for the second.
 * @param patienceMs how long an attempt waits for its status line, or on a stream for its first content.
 */
export function startDeadlineMs(totalTimeoutMs: number, patienceMs: number): number {
  return Math.min(Math.max(START_DEADLINE_MS, patienceMs + AFTER_PATIENCE_MS), totalTimeoutMs * START_DEADLINE_SHARE);
}
