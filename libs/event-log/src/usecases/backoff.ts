const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 10_000;

/** Wait before the next try: 100 ms, doubled by each failure in a row, at most 10 s. */
export function backoffMs(failuresInARow: number): number {
  return Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.max(0, failuresInARow - 1));
}

/** Waits; returns early, without an error, when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
