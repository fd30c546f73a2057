/** Where a bucket stands after a request. */
export interface BucketState {
  readonly limit: number;
  readonly remaining: number;
  readonly windowMs: number;
}

/** OpenAI's `x-ratelimit-*` for one kind of unit; `reset` = until the bucket is full again. */
export function rateLimitHeaders(kind: 'requests' | 'tokens', state: BucketState): Readonly<Record<string, string>> {
  const resetMs = Math.ceil(((state.limit - state.remaining) * state.windowMs) / state.limit);
  return {
    [`x-ratelimit-limit-${kind}`]: String(state.limit),
    [`x-ratelimit-remaining-${kind}`]: String(state.remaining),
    [`x-ratelimit-reset-${kind}`]: showDuration(resetMs),
  };
}

/** As OpenAI writes them: `0s`, `250ms`, `1.5s`, `6m0s`. */
export function showDuration(ms: number): string {
  if (ms <= 0) return '0s';
  if (ms < 1000) return `${ms}ms`;
  const seconds = Math.ceil(ms / 10) / 100;
  if (seconds < 60) return `${seconds}s`;
  const whole = Math.ceil(ms / 1000);
  return `${Math.floor(whole / 60)}m${whole % 60}s`;
}
