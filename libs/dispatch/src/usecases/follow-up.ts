import { startDeadlineMs } from '../domain/attempt-budget.js';
import type { AttemptFailure } from '../domain/attempt-failure.js';
import type { RetryBudgets } from '../domain/retry-budget.js';
import { decideNext, type Decision } from '../domain/retry-decision.js';
import type { DispatchRequest } from '../ports/dispatcher.js';
import type { RequestTargets } from './request-targets.js';
import type { Choice, TargetChooser } from './target-choice.js';

export interface FollowUpDeps {
  readonly chooser: TargetChooser;
  readonly budgets: RetryBudgets;
  readonly keyBudgets: RetryBudgets;
  random(): number;
}

export interface FollowUp {
  readonly decision: Decision;
  /** Where to, unless it is the same target or none. */
  readonly choice: Choice | null;
}

/** What comes after a failed attempt. Takes the extra call out of the budgets when there is one. */
export function followUp(
  deps: FollowUpDeps,
  request: DispatchRequest,
  targets: RequestTargets,
  current: Choice,
  failure: AttemptFailure,
  calls: number,
  elapsedMs: number,
  nowMs: number,
): FollowUp {
  const larger = failure.nextTarget === 'larger_context';
  const policy = failure.nextTarget === 'policy_fallback';
  const wanted = larger
    ? targets.largerThan(current.index)
    : policy
      ? targets.forPolicy()
      : targets.untriedBeside(current.index);
  const other = deps.chooser.first(targets.all, nowMs, wanted);
  const sibling = current.provider.credentials.length > 1 ? deps.chooser.pick(targets.all, current.index, nowMs) : null;
  const sameAllowed = current.lane.own.stateAt(nowMs) === 'closed';
  // Calls that were under way when a breaker opened are bounded in number and come to another provider no faster than
  // the demand itself; holding them to the budget would only fail requests that a healthy provider can serve.
  const straggler = !sameAllowed && other !== null && other.provider !== current.provider;
  const decision = decideNext({
    failure,
    attempts: calls,
    attemptsMax: request.limits.attemptsMax,
    triesOfTarget: targets.tries[current.index]!,
    sameAllowed,
    otherCredential: sibling !== null && sibling.credential !== current.credential,
    otherTarget: other !== null,
    largerTarget: larger && other !== null,
    policyTarget: policy && other !== null,
    elapsedMs,
    startDeadlineMs: startDeadline(request),
    retryBudget: () => straggler || takeExtraCall(deps, request, current.provider.name, nowMs),
    random: deps.random,
  });
  return { decision, choice: decision.next === 'other_credential' ? sibling : other };
}

/** One more call than one for each request: only when both the provider and the virtual key have it left. */
export function takeExtraCall(deps: FollowUpDeps, request: DispatchRequest, provider: string, nowMs: number): boolean {
  const ofProvider = deps.budgets.of(provider);
  if (request.budgetKey === undefined) return ofProvider.takeRetry(nowMs);
  const ofKey = deps.keyBudgets.of(request.budgetKey);
  return ofProvider.allows(nowMs) && ofKey.allows(nowMs) && ofProvider.takeRetry(nowMs) && ofKey.takeRetry(nowMs);
}

export function startDeadline({ limits, streamed }: DispatchRequest): number {
  return startDeadlineMs(limits.totalTimeoutMs, streamed ? limits.firstTokenTimeoutMs : limits.headersTimeoutMs);
}
