import type { AttemptKind } from '#events/domain/attempt.js';
import { RouterError } from '#events/domain/router-error.js';
import type { Clock } from '#events/ports/clock.js';
import { startDeadlineMs } from '../domain/attempt-budget.js';
import type { AttemptFailure } from '../domain/attempt-failure.js';
import { blockedError, chooseFinalError, clientClosedError, truncatedError } from '../domain/final-error.js';
import { beginCall, callFailed, callReleased, callWorked, type LaneCall } from '../domain/health-board.js';
import { failureOfOurs } from '../domain/own-failure.js';
import type { LatencyBook } from '../domain/latency-book.js';
import { decideNext, type Decision } from '../domain/retry-decision.js';
import type { RetryBudgets } from '../domain/retry-budget.js';
import type {
  AnswerSink,
  AttemptOutcome,
  AttemptRecorder,
  DispatchRequest,
  DispatchResult,
} from '../ports/dispatcher.js';
import type { AttemptEnd } from './attempt-end.js';
import type { AttemptTimers, Deadline } from './attempt-timers.js';
import { Attempt, type AttemptDeps } from './run-attempt.js';
import type { Choice, TargetChooser } from './target-choice.js';

export interface DispatchDeps extends AttemptDeps {
  readonly clock: Clock;
  readonly timers: AttemptTimers;
  readonly chooser: TargetChooser;
  readonly budgets: RetryBudgets;
  readonly latencies: LatencyBook;
  random(): number;
  /** Context window in tokens; `null` = not known. */
  contextWindow(provider: string, model: string): number | null;
}

/** One request on its way over the targets of its plan. Ends exactly once, by a call of `resolve`. */
export class Dispatch implements Deadline {
  dueMs = Number.POSITIVE_INFINITY;
  private readonly startedMs: number;
  private readonly tries: number[];
  private readonly attempts: AttemptOutcome[] = [];
  private readonly failures: AttemptFailure[] = [];
  private attempt: Attempt | null = null;
  private choice: Choice | null = null;
  private laneCall: LaneCall | null = null;
  private attemptStartedMs = 0;
  private over = false;

  constructor(
    private readonly deps: DispatchDeps,
    private readonly request: DispatchRequest,
    private readonly sink: AnswerSink,
    private readonly recorder: AttemptRecorder,
    private readonly signal: AbortSignal,
    private readonly resolve: (result: DispatchResult) => void,
  ) {
    this.startedMs = deps.clock.monotonicMs();
    this.tries = request.plan.targets.map(() => 0);
  }

  start(): void {
    try {
      this.begin();
    } catch (error) {
      this.crash(error);
    }
  }

  private begin(): void {
    if (this.signal.aborted) {
      this.finish('aborted', null, clientClosedError());
      return;
    }
    this.signal.addEventListener('abort', this.onAbort);
    const { chooser } = this.deps;
    const { targets } = this.request.plan;
    const choice = chooser.first(targets, this.startedMs, () => true) ?? chooser.leastBad(targets, this.startedMs);
    if ('lane' in choice) {
      this.deps.budgets.of(choice.provider.name).request(this.startedMs);
      this.call(choice);
    } else this.finish('failed', null, blockedError(choice));
  }

  /** The wait before a retry is over. */
  onDue(): void {
    const { choice } = this;
    if (this.over || choice === null) return;
    const { targets } = this.request.plan;
    const nowMs = this.deps.clock.monotonicMs();
    const again = this.deps.chooser.pick(targets, choice.index, nowMs);
    if (again !== null) this.call(again);
    // A rate limit was waited out; a breaker that others have opened meanwhile is not called into.
    else if (choice.lane.own.stateAt(nowMs) === 'closed') this.call(choice);
    else this.finish('failed', null, chooseFinalError(this.failures));
  }

  private readonly onAbort = (): void => {
    if (this.over) return;
    if (this.attempt !== null) this.attempt.abort();
    else this.finish('aborted', null, clientClosedError());
  };

  private call(choice: Choice): void {
    const { deps, request } = this;
    const n = this.attempts.length + 1;
    const kind: AttemptKind =
      this.tries[choice.index]! > 0 ? 'retry' : n === 1 && choice.index === 0 ? 'primary' : 'fallback';
    this.tries[choice.index]! += 1;
    this.choice = choice;
    this.attemptStartedMs = deps.clock.monotonicMs();
    this.laneCall = beginCall(choice.lane, this.attemptStartedMs);
    this.attempt = new Attempt(
      deps,
      {
        request,
        sink: this.sink,
        recorder: this.recorder,
        n,
        kind,
        provider: choice.provider,
        model: request.plan.targets[choice.index]!.model,
        credential: choice.credential,
        lane: this.laneCall,
        totalDueMs: this.startedMs + request.limits.totalTimeoutMs,
      },
      this.onAttemptEnd,
    );
    this.attempt.start();
  }

  private readonly onAttemptEnd = (end: AttemptEnd): void => {
    this.attempt = null;
    try {
      this.follow(end);
    } catch (error) {
      this.crash(error);
    }
  };

  /** A bug of ours must end the request, not leave its client waiting. */
  private crash(error: unknown): void {
    this.attempt?.abort();
    this.finish('failed', null, chooseFinalError([failureOfOurs(error)]));
  }

  private follow(end: AttemptEnd): void {
    const { laneCall, deps } = this;
    const nowMs = deps.clock.monotonicMs();
    switch (end.kind) {
      case 'answered': {
        const { outcome } = end;
        callWorked(laneCall!, nowMs);
        deps.latencies.add(outcome.provider, outcome.model, outcome.timeToFirstTokenMs ?? outcome.latencyMs);
        this.record(outcome);
        if (end.body !== null) this.giveJson(end.body, outcome);
        this.finish('ok', outcome, null);
        return;
      }
      case 'truncated': {
        callFailed(laneCall!, end.failure, 0, nowMs, deps.random());
        const outcome = { ...end.outcome, movedOn: 'after_content' };
        this.record(outcome);
        this.finish('truncated', outcome, truncatedError());
        return;
      }
      case 'aborted': {
        callReleased(laneCall!);
        const outcome = { ...end.outcome, movedOn: 'client_closed' };
        this.record(outcome);
        this.finish('aborted', outcome.timeToFirstTokenMs === null ? null : outcome, clientClosedError());
        return;
      }
      case 'not_recorded':
        callReleased(laneCall!);
        this.finish('failed', null, notRecordedError(end.error));
        return;
      case 'failed':
        callFailed(laneCall!, end.failure, end.outcome.httpStatus, nowMs, deps.random());
        this.failures.push(end.failure);
        this.moveOn(end.outcome, this.decide(end.failure, nowMs), nowMs);
    }
  }

  private decide(
    failure: AttemptFailure,
    nowMs: number,
  ): { readonly decision: Decision; readonly choice: Choice | null } {
    const { deps, request } = this;
    const { targets } = request.plan;
    const current = this.choice!;
    const larger = failure.nextTarget === 'larger_context';
    const wanted = larger ? this.largerThan(current.index) : (index: number) => this.tries[index] === 0;
    const other = deps.chooser.first(targets, nowMs, wanted);
    const sibling = current.provider.credentials.length > 1 ? deps.chooser.pick(targets, current.index, nowMs) : null;
    const sameAllowed = current.lane.own.stateAt(nowMs) === 'closed';
    // Calls that were under way when a breaker opened are bounded in number and come to another provider no faster than
    // the demand itself; holding them to the budget would only fail requests that a healthy provider can serve.
    const straggler = !sameAllowed && other !== null && other.provider !== current.provider;
    const decision = decideNext({
      failure,
      attempts: this.attempts.length + 1,
      attemptsMax: request.limits.attemptsMax,
      triesOfTarget: this.tries[current.index]!,
      sameAllowed,
      otherCredential: sibling !== null && sibling.credential !== current.credential,
      otherTarget: other !== null,
      largerTarget: larger && other !== null,
      elapsedMs: nowMs - this.startedMs,
      startDeadlineMs: startDeadlineMs(request.limits.totalTimeoutMs),
      retryBudget: () => straggler || deps.budgets.of(current.provider.name).takeRetry(nowMs),
      random: deps.random,
    });
    return { decision, choice: decision.next === 'other_credential' ? sibling : other };
  }

  private moveOn(
    outcome: AttemptOutcome,
    { decision, choice }: { readonly decision: Decision; readonly choice: Choice | null },
    nowMs: number,
  ): void {
    switch (decision.next) {
      case 'stop':
        this.record({ ...outcome, movedOn: decision.reason });
        this.finish('failed', null, chooseFinalError(this.failures));
        return;
      case 'same':
        this.record({ ...outcome, movedOn: 'retry' });
        this.deps.timers.set(this, nowMs + decision.waitMs);
        return;
      default:
        this.record({ ...outcome, movedOn: decision.next });
        this.call(choice!);
    }
  }

  private largerThan(index: number): (other: number) => boolean {
    const { targets } = this.request.plan;
    const window = (at: number): number | null => this.deps.contextWindow(targets[at]!.provider, targets[at]!.model);
    const size = window(index);
    return (other) => {
      const otherSize = window(other);
      return this.tries[other] === 0 && size !== null && otherSize !== null && otherSize > size;
    };
  }

  private record(outcome: AttemptOutcome): void {
    this.attempts.push(outcome);
    try {
      this.recorder.finished(outcome);
    } catch {
      // The outcome is in the result as well; a recorder that throws must not cost the client its answer.
    }
  }

  private giveJson(body: Uint8Array, outcome: AttemptOutcome): void {
    try {
      this.sink.json(body, outcome);
    } catch {
      // The client's side is broken; the call itself is done and paid.
    }
  }

  private finish(status: DispatchResult['status'], served: AttemptOutcome | null, error: RouterError | null): void {
    if (this.over) return;
    this.over = true;
    this.deps.timers.clear(this);
    this.signal.removeEventListener('abort', this.onAbort);
    const firstMs = served?.timeToFirstTokenMs ?? null;
    this.resolve({
      status,
      served,
      attempts: this.attempts,
      error,
      finishReason: served?.finishReason ?? null,
      timeToFirstTokenMs: firstMs === null ? null : Math.round(this.attemptStartedMs - this.startedMs) + firstMs,
    });
  }
}

function notRecordedError(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  return new RouterError({
    code: 'receipt_log_unavailable',
    publicMessage: 'The receipt log cannot take this request right now.',
    httpStatus: 503,
    type: 'server_error',
    retryable: true,
    retryAfterMs: 1_000,
    cause: error,
  });
}
