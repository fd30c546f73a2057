import type { HedgeBook } from '../domain/hedge-book.js';
import type { LatencyBook } from '../domain/latency-book.js';
import type { AttemptDeps } from './attempt-deps.js';
import type { FollowUpDeps } from './follow-up.js';
import type { ContextWindow } from './request-targets.js';

/** What all requests share. */
export interface DispatchDeps extends AttemptDeps, FollowUpDeps {
  readonly latencies: LatencyBook;
  readonly hedges: HedgeBook;
  readonly contextWindow: ContextWindow;
}
