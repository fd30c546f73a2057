import { describe, expect, it } from 'vitest';
import { startDeadlineMs } from './attempt-budget.js';
import type { AttemptFailure } from './attempt-failure.js';
import { OWN_FAILURES } from './own-failure.js';
import { decideNext, type FailedSituation } from './retry-decision.js';

const failure: AttemptFailure = { ...OWN_FAILURES.reset_before_headers };
const situation = (over: Partial<FailedSituation> = {}): FailedSituation => ({
  failure,
  attempts: 1,
  attemptsMax: 3,
  triesOfTarget: 1,
  sameAllowed: true,
  otherCredential: false,
  otherTarget: false,
  largerTarget: false,
  policyTarget: false,
  elapsedMs: 100,
  startDeadlineMs: 20_000,
  retryBudget: () => true,
  random: () => 0.5,
  ...over,
});

const limited = (retryAfterMs: number): FailedSituation =>
  situation({ failure: { ...failure, breaker: 'throttle', retryAfterMs } });

describe('decideNext', () => {
  it('goes to the next target without a wait when there is one', () => {
    expect(decideNext(situation({ otherTarget: true }))).toEqual({ next: 'next_target' });
  });

  it.each([
    [0, 100],
    [0.5, 300],
    [1, 500],
  ])('tries the only target once more after a jittered wait (%d)', (random, waitMs) => {
    expect(decideNext(situation({ random: () => random }))).toEqual({ next: 'same', waitMs });
  });

  it('never calls one target a third time', () => {
    expect(decideNext(situation({ triesOfTarget: 2, attempts: 2 }))).toEqual({
      next: 'stop',
      reason: 'no_target_left',
    });
  });

  it('tries every credential of a target that refuses one after the other, and a limited one only once more', () => {
    const ejected = { ...failure, breaker: 'eject_credential' as const };
    const third = { triesOfTarget: 2, attempts: 2, otherCredential: true };

    expect(decideNext(situation({ ...third, failure: ejected }))).toEqual({ next: 'other_credential' });
    expect(decideNext({ ...limited(50), ...third })).toMatchObject({ next: 'stop' });
    expect(decideNext(situation({ ...third, failure: ejected, attempts: 3 }))).toMatchObject({
      reason: 'attempts_exhausted',
    });
  });

  it('does not repeat into an open breaker', () => {
    expect(decideNext(situation({ sameAllowed: false }))).toMatchObject({ next: 'stop' });
  });

  it('stops at the number of attempts', () => {
    const decision = decideNext(situation({ attempts: 3, otherTarget: true }));

    expect(decision).toEqual({ next: 'stop', reason: 'attempts_exhausted' });
  });

  it('starts nothing after the deadline, the wait counted', () => {
    expect(decideNext(situation({ elapsedMs: 20_001, otherTarget: true }))).toEqual({
      next: 'stop',
      reason: 'deadline',
    });
    expect(decideNext(situation({ elapsedMs: 19_800 }))).toEqual({ next: 'stop', reason: 'deadline' });
    expect([startDeadlineMs(600_000, 5_000), startDeadlineMs(8_000, 5_000)]).toEqual([20_000, 2_000]);
  });

  it('leaves room for a second attempt after a first one that waited its whole time', () => {
    expect([startDeadlineMs(600_000, 30_000), startDeadlineMs(60_000, 30_000)]).toEqual([35_000, 15_000]);
  });

  it('asks the budget last and obeys it', () => {
    let asked = 0;
    const retryBudget = (): boolean => {
      asked += 1;
      return false;
    };

    decideNext(situation({ attempts: 3, otherTarget: true, retryBudget }));
    expect(asked).toBe(0);
    expect(decideNext(situation({ otherTarget: true, retryBudget }))).toEqual({ next: 'stop', reason: 'retry_budget' });
  });

  it('waits for a short Retry-After only', () => {
    expect(decideNext(limited(2_000))).toEqual({ next: 'same', waitMs: 2_000 });
    expect(decideNext(limited(2_001))).toMatchObject({ next: 'stop' });
  });

  it('prefers another credential of the same target when only the credential is at fault', () => {
    const auth: AttemptFailure = { ...failure, retrySame: false, breaker: 'eject_credential' };

    expect(decideNext(situation({ failure: auth, otherCredential: true, otherTarget: true }))).toEqual({
      next: 'other_credential',
    });
    expect(decideNext(situation({ otherCredential: true, otherTarget: true }))).toEqual({ next: 'next_target' });
  });

  it("sends the client's own mistake nowhere else", () => {
    const own: AttemptFailure = { ...failure, retrySame: false, nextTarget: 'no', breaker: 'ignore' };

    expect(decideNext(situation({ failure: own, otherTarget: true }))).toEqual({
      next: 'stop',
      reason: 'not_retryable',
    });
  });

  it('sends what is too long only to a target known to be larger', () => {
    const long: AttemptFailure = { ...failure, retrySame: false, nextTarget: 'larger_context', breaker: 'ignore' };

    expect(decideNext(situation({ failure: long, otherTarget: true }))).toMatchObject({ next: 'stop' });
    expect(decideNext(situation({ failure: long, otherTarget: true, largerTarget: true }))).toEqual({
      next: 'larger_target',
    });
  });

  it('sends a policy refusal nowhere without a list for it', () => {
    const policy: AttemptFailure = { ...failure, retrySame: false, nextTarget: 'policy_fallback', breaker: 'ignore' };

    expect(decideNext(situation({ failure: policy, otherTarget: true }))).toMatchObject({ next: 'stop' });
  });
});
