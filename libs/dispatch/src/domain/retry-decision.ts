import type { AttemptFailure } from './attempt-failure.js';
import { TRIES_PER_TARGET_MAX } from './attempt-budget.js';

/** Longest wait that a provider may ask for and get. */
const RETRY_AFTER_MS_MAX = 2_000;
const JITTER_MS_MIN = 100;
const JITTER_MS_SPAN = 400;

/** What is known when an attempt has failed before its commit point. */
export interface FailedSituation {
  readonly failure: AttemptFailure;
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly triesOfTarget: number;
  /** Is the target's breaker not open? */
  readonly sameAllowed: boolean;
  /** May another credential of the same target be used now? */
  readonly otherCredential: boolean;
  /** Is there a target left that may be called now? */
  readonly otherTarget: boolean;
  /** The same for a target that is known to take more context. */
  readonly largerTarget: boolean;
  /** The same for a target that is meant for what another one's content policy rejects. */
  readonly policyTarget: boolean;
  readonly elapsedMs: number;
  readonly startDeadlineMs: number;
  /** Do the retry budgets of provider and virtual key allow one more? Asked only when all else allows it. */
  retryBudget(): boolean;
  /** 0 ≤ x < 1. */
  random(): number;
}

/** Why no further attempt is made. */
type StopReason = 'not_retryable' | 'attempts_exhausted' | 'no_target_left' | 'deadline' | 'retry_budget';

export type Decision =
  | { readonly next: 'same'; readonly waitMs: number }
  | { readonly next: 'other_credential' | 'next_target' | 'larger_target' | 'policy_target' }
  | { readonly next: 'stop'; readonly reason: StopReason };

/**
 * Decides what follows a failed attempt. Another target costs no waiting, so it comes before the same one again;
 * the same target is tried once more only when it is the only one left.
 */
export function decideNext(situation: FailedSituation): Decision {
  const decision = wish(situation);
  if (decision.next === 'stop') return decision;
  if (situation.attempts >= situation.attemptsMax) return { next: 'stop', reason: 'attempts_exhausted' };
  const waitMs = decision.next === 'same' ? decision.waitMs : 0;
  if (situation.elapsedMs + waitMs > situation.startDeadlineMs) return { next: 'stop', reason: 'deadline' };
  if (!situation.retryBudget()) return { next: 'stop', reason: 'retry_budget' };
  return decision;
}

function wish(situation: FailedSituation): Decision {
  const { failure, triesOfTarget } = situation;
  const mayRepeat = triesOfTarget < TRIES_PER_TARGET_MAX;
  if (failure.nextTarget === 'larger_context') {
    return situation.largerTarget ? { next: 'larger_target' } : { next: 'stop', reason: 'not_retryable' };
  }
  if (failure.nextTarget === 'policy_fallback') {
    return situation.policyTarget ? { next: 'policy_target' } : { next: 'stop', reason: 'not_retryable' };
  }
  // A refused credential says nothing about the target, so its other ones are tried as long as attempts are left.
  const credentialFault = failure.breaker === 'eject_credential' || (failure.breaker === 'throttle' && mayRepeat);
  if (credentialFault && situation.otherCredential) return { next: 'other_credential' };
  if (failure.nextTarget === 'yes' && situation.otherTarget) return { next: 'next_target' };
  if (failure.retrySame) {
    if (!mayRepeat || !situation.sameAllowed) return { next: 'stop', reason: 'no_target_left' };
    const waitMs = failure.retryAfterMs ?? JITTER_MS_MIN + situation.random() * JITTER_MS_SPAN;
    if (waitMs <= RETRY_AFTER_MS_MAX) return { next: 'same', waitMs };
  }
  return { next: 'stop', reason: failure.nextTarget === 'yes' ? 'no_target_left' : 'not_retryable' };
}
