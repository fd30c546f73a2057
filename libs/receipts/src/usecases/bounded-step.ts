import { RouterError } from '#events/domain/router-error.js';

/** A step that takes long: `slow` = still under way, `unanswered` = given up. */
export interface StepReport {
  readonly kind: 'slow' | 'unanswered';
  /** `insert into receipts`, `save an intent`; never what a row holds. */
  readonly step: string;
  readonly afterMs: number;
}

export interface StepBounds {
  readonly slowMs: number;
  readonly limitMs: number;
  readonly onReport?: ((report: StepReport) => void) | undefined;
}

/**
 * Ends a step that does not end by itself. Whatever `work` waits for (a socket that never comes free, a server that
 * took the rows and says nothing), this settles within `limitMs`; `signal` asks the work to stop, and its late outcome
 * is dropped. So the step may or may not have happened: only what may be done twice belongs in here.
 * @throws RouterError `store_unavailable` (retryable) at the limit, naming the step; else what `work` throws.
 */
export async function boundedStep<T>(
  step: string,
  { slowMs, limitMs, onReport }: StepBounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const unanswered = Promise.withResolvers<never>();
  const slow = setTimeout(() => onReport?.({ kind: 'slow', step, afterMs: slowMs }), slowMs);
  const limit = setTimeout(() => {
    unanswered.reject(
      new RouterError({
        code: 'store_unavailable',
        publicMessage: `No answer to "${step}" in ${limitMs / 1_000} s.`,
        httpStatus: 503,
        retryable: true,
        retryAfterMs: 1_000,
      }),
    );
    onReport?.({ kind: 'unanswered', step, afterMs: limitMs });
    abort.abort();
  }, limitMs);
  try {
    const working = work(abort.signal);
    working.catch(() => {});
    return await Promise.race([working, unanswered.promise]);
  } finally {
    clearTimeout(slow);
    clearTimeout(limit);
  }
}
