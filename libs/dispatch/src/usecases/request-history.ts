import type { RouterError } from '#events/domain/router-error.js';
import type { AttemptFailure } from '../domain/attempt-failure.js';
import { chooseFinalError } from '../domain/final-error.js';
import type { AttemptOutcome, AttemptRecorder, DispatchResult } from '../ports/dispatcher.js';

/** What has become of the attempts of one request so far. */
export class RequestHistory {
  private readonly attempts: AttemptOutcome[] = [];
  private readonly failures: AttemptFailure[] = [];

  constructor(private readonly recorder: AttemptRecorder) {}

  record(outcome: AttemptOutcome): void {
    this.attempts.push(outcome);
    try {
      this.recorder.finished(outcome);
    } catch {
      // The outcome is in the result as well; a recorder that throws must not cost the client its answer.
    }
  }

  /** Before the commit point. */
  failed(failure: AttemptFailure): void {
    this.failures.push(failure);
  }

  /** What the client is told when nothing more is tried; at least one attempt has failed. */
  get error(): RouterError {
    return chooseFinalError(this.failures);
  }

  /** @param servedAfterMs from the start of the request until that of the attempt which served. */
  result(
    status: DispatchResult['status'],
    served: AttemptOutcome | null,
    servedAfterMs: number,
    error: RouterError | null,
  ): DispatchResult {
    const firstMs = served?.timeToFirstTokenMs ?? null;
    return {
      status,
      served,
      // A loser's end may be told before that of the attempt which started earlier.
      attempts: this.attempts.sort((a, b) => a.n - b.n),
      error,
      finishReason: served?.finishReason ?? null,
      timeToFirstTokenMs: firstMs === null ? null : Math.round(servedAfterMs) + firstMs,
    };
  }
}
