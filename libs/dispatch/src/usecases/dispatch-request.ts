import type { AttemptKind } from '#events/domain/attempt.js';
import type { RouterError } from '#events/domain/router-error.js';
import type { AttemptFailure } from '../domain/attempt-failure.js';
import {
  blockedError,
  chooseFinalError,
  clientClosedError,
  notRecordedError,
  truncatedError,
} from '../domain/final-error.js';
import { beginCall, callFailed, callReleased, callWorked } from '../domain/health-board.js';
import { failureOfOurs } from '../domain/own-failure.js';
import type {
  AnswerSink,
  AttemptOutcome,
  AttemptRecorder,
  DispatchRequest,
  DispatchResult,
} from '../ports/dispatcher.js';
import type { AttemptEnd, AttemptOwner } from './attempt-end.js';
import type { Deadline } from './attempt-timers.js';
import type { DispatchDeps } from './dispatch-deps.js';
import { firstChoice } from './first-choice.js';
import { type FollowUp, followUp, startDeadline, takeExtraCall } from './follow-up.js';
import { RequestHedge } from './request-hedge.js';
import { RequestHistory } from './request-history.js';
import { RequestTargets } from './request-targets.js';
import { Attempt } from './run-attempt.js';
import { type Running, RunningAttempts } from './running-attempts.js';
import type { Choice } from './target-choice.js';

/**
 * One request on its way over its targets. One attempt runs at a time, two while a hedge is out. Ends exactly once, by
 * a call of `resolve`.
 */
export class Dispatch implements Deadline, AttemptOwner {
  dueMs = Number.POSITIVE_INFINITY;
  private readonly startedMs: number;
  private readonly targets: RequestTargets;
  private readonly history: RequestHistory;
  private readonly hedge: RequestHedge;
  private readonly running = new RunningAttempts();
  private calls = 0;
  /** What a retry waits for; `null` while a hedge or nothing is waited for. */
  private retryOf: Choice | null = null;
  /** An attempt has given content, or the whole answer: the others are only in the way. */
  private decided = false;
  private servedStartedMs = 0;
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
    this.history = new RequestHistory(recorder);
    this.hedge = new RequestHedge(deps.hedges, request.hedge);
    this.targets = new RequestTargets(request.plan, request.policyTargets, deps.contextWindow);
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
    const { deps, request, startedMs } = this;
    const choice = firstChoice(deps, request, this.recorder, startedMs);
    if (!('lane' in choice)) {
      this.finish('failed', null, blockedError(choice));
      return;
    }
    this.call(choice);
    const slowMs = this.hedge.begin(choice.provider.name, this.targets.all[choice.index]!.model, request.streamed);
    if (slowMs !== null && this.running.count === 1) deps.timers.set(this, startedMs + slowMs);
  }

  onDue(): void {
    if (this.over) return;
    try {
      if (this.retryOf === null) this.tryHedge();
      else this.retry(this.retryOf);
    } catch (error) {
      this.crash(error);
    }
  }

  /** The wait before a retry is over. */
  private retry(choice: Choice): void {
    this.retryOf = null;
    const nowMs = this.deps.clock.monotonicMs();
    const again = this.deps.chooser.pick(this.targets.all, choice.index, nowMs);
    if (again !== null) this.call(again);
    // What others have found out meanwhile is obeyed: a breaker that is open, a wait that the provider named.
    else if (choice.lane.own.stateAt(nowMs) === 'closed' && !choice.lane.own.mustWait(nowMs)) this.call(choice);
    else this.finish('failed', null, this.history.error);
  }

  /** The first attempt is slow: a second one may run beside it. */
  private tryHedge(): void {
    const { deps, request, targets } = this;
    const first = this.running.sole;
    if (first === undefined || this.decided || this.signal.aborted) return;
    const nowMs = deps.clock.monotonicMs();
    if (this.calls >= request.limits.attemptsMax || nowMs - this.startedMs > startDeadline(request)) return;
    const other = deps.chooser.first(targets.all, nowMs, targets.untriedBeside(first.choice.index));
    if (other === null || !this.hedge.take()) return;
    if (takeExtraCall(deps, request, first.choice.provider.name, nowMs)) this.call(other, 'hedge');
  }

  private readonly onAbort = (): void => {
    if (this.over) return;
    this.deps.timers.clear(this);
    if (this.running.count === 0) this.finish('aborted', null, clientClosedError());
    else this.running.leave();
  };

  private call(choice: Choice, hedge?: 'hedge'): void {
    const { deps, request, targets } = this;
    this.calls += 1;
    const n = this.calls;
    const first = n === 1 && choice.index === 0;
    const kind: AttemptKind = hedge ?? (targets.tries[choice.index]! > 0 ? 'retry' : first ? 'primary' : 'fallback');
    targets.tries[choice.index]! += 1;
    const startedMs = deps.clock.monotonicMs();
    const lane = beginCall(choice.lane, startedMs);
    const attempt = new Attempt(
      deps,
      {
        request,
        sink: this.sink,
        recorder: this.recorder,
        n,
        kind,
        provider: choice.provider,
        model: targets.all[choice.index]!.model,
        credential: choice.credential,
        lane,
        totalDueMs: this.startedMs + request.limits.totalTimeoutMs,
      },
      this,
    );
    this.running.add({ n, choice, lane, startedMs, attempt });
    attempt.start();
  }

  attemptCommitted(n: number): void {
    this.decided = true;
    if (this.retryOf === null) this.deps.timers.clear(this);
    this.endOthers(n);
  }

  attemptEnded(n: number, end: AttemptEnd): void {
    const ended = this.running.remove(n);
    try {
      this.follow(ended, end);
    } catch (error) {
      this.crash(error);
    }
  }

  private endOthers(n: number): void {
    for (const lost of this.running.beside(n)) {
      // It would have taken at least this long: without it only quick answers would be remembered.
      if (lost.n === 1) this.hedge.learn(this.deps.clock.monotonicMs() - lost.startedMs);
      lost.attempt.lose();
    }
  }

  /** A bug of ours must end the request, not leave its client waiting. */
  private crash(error: unknown): void {
    this.running.lose();
    this.finish('failed', null, chooseFinalError([failureOfOurs(error)]));
  }

  private follow(ended: Running, end: AttemptEnd): void {
    const { deps } = this;
    const { lane } = ended;
    const nowMs = deps.clock.monotonicMs();
    const another = this.running.count > 0;
    switch (end.kind) {
      case 'answered': {
        const { outcome } = end;
        this.decided = true;
        this.endOthers(ended.n);
        callWorked(lane, nowMs);
        const answeredMs = outcome.timeToFirstTokenMs ?? outcome.latencyMs;
        deps.latencies.add(outcome.provider, outcome.model, answeredMs);
        if (ended.n === 1) this.hedge.learn(answeredMs);
        this.history.record(outcome);
        if (end.body !== null) this.giveJson(end.body, outcome);
        this.servedStartedMs = ended.startedMs;
        this.finish('ok', outcome, null);
        return;
      }
      case 'truncated': {
        callFailed(lane, end.failure, 0, nowMs, deps.random());
        const outcome = { ...end.outcome, movedOn: 'after_content' };
        this.history.record(outcome);
        this.servedStartedMs = ended.startedMs;
        this.finish('truncated', outcome, truncatedError());
        return;
      }
      case 'aborted': {
        callReleased(lane);
        const lost = end.outcome.errorCode === null;
        const outcome = { ...end.outcome, movedOn: lost ? 'hedge_lost' : 'client_closed' };
        this.history.record(outcome);
        if (lost || another) return;
        this.servedStartedMs = ended.startedMs;
        this.finish('aborted', outcome.timeToFirstTokenMs === null ? null : outcome, clientClosedError());
        return;
      }
      case 'not_recorded':
        callReleased(lane);
        if (!another) this.finish('failed', null, notRecordedError(end.error));
        return;
      case 'failed':
        callFailed(lane, end.failure, end.outcome.httpStatus, nowMs, deps.random());
        this.history.failed(end.failure);
        if (another) this.history.record({ ...end.outcome, movedOn: 'hedge' });
        else this.moveOn(end.outcome, ended.choice, end.failure, nowMs);
    }
  }

  private moveOn(outcome: AttemptOutcome, current: Choice, failure: AttemptFailure, nowMs: number): void {
    const { deps, request, targets, calls } = this;
    const elapsedMs = nowMs - this.startedMs;
    const next: FollowUp = followUp(deps, request, targets, current, failure, calls, elapsedMs, nowMs);
    switch (next.decision.next) {
      case 'stop':
        this.history.record({ ...outcome, movedOn: next.decision.reason });
        this.finish('failed', null, this.history.error);
        return;
      case 'same':
        this.history.record({ ...outcome, movedOn: 'retry' });
        this.retryOf = current;
        deps.timers.set(this, nowMs + next.decision.waitMs);
        return;
      default:
        this.history.record({ ...outcome, movedOn: next.decision.next });
        this.call(next.choice!);
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
    this.resolve(this.history.result(status, served, this.servedStartedMs - this.startedMs, error));
  }
}
