import { describe, expect, it } from 'vitest';
import { DEFAULT_RELIABILITY } from '#config/domain/default-settings.js';
import type { Candidate, RoutePlan, Target } from '#routing/domain/route-plan.js';
import { ModelPolicies } from './model-policies.js';

const target = { provider: 'p', model: 'm', weight: 1 };
const slow = (totalTimeoutMs: number) => ({
  strategy: 'order' as const,
  targets: [target],
  timeouts: { totalTimeoutMs },
});
const policies = new ModelPolicies({
  reliability: DEFAULT_RELIABILITY,
  models: {
    plain: { strategy: 'order', targets: [target] },
    slow: {
      strategy: 'order',
      targets: [{ ...target, contextTokens: 8_000 }],
      timeouts: { firstTokenTimeoutMs: 120_000, totalTimeoutMs: 900_000 },
      hedge: { afterPercentile: 95, shareMax: 0.02 },
    },
    'p/*': {
      strategy: 'order',
      targets: [{ ...target, model: '*' }],
      policyFallback: [{ provider: 'q', model: '*' }],
    },
    wide: { strategy: 'order', targets: [{ ...target, contextTokens: 64_000 }] },
    sole: { strategy: 'order', targets: [{ provider: 'q', model: 'only-here', weight: 1, contextTokens: 5_000 }] },
    'r/*': { strategy: 'order', targets: [{ provider: 'r', model: 'x-*', weight: 1, contextTokens: 9_000 }] },
  },
});

describe('the policy of a model', () => {
  it('is the usual one, the very same object, where the model says nothing', () => {
    expect(policies.of('plain')).toBe(policies.of('never-heard-of'));
    expect(policies.of('constructor').limits).toBe(DEFAULT_RELIABILITY);
  });

  it('takes its own timeouts, and the others from all', () => {
    const { limits, hedge } = policies.of('slow');

    expect(limits).toMatchObject({ firstTokenTimeoutMs: 120_000, idleTimeoutMs: 30_000, attemptsMax: 3 });
    expect(hedge).toEqual({ afterPercentile: 95, shareMax: 0.02 });
    expect(policies.totalTimeoutMsMax).toBe(900_000);
  });

  it('carries the star over to the fallback of content policy', () => {
    expect(policies.of('p/x').policyTargets).toEqual([{ provider: 'q', model: 'x' }]);
  });

  it('is that of the pattern which routing takes when two are equally specific', () => {
    const two = new ModelPolicies({
      reliability: DEFAULT_RELIABILITY,
      models: { 'a*': slow(1), '*z': slow(2) },
    });

    expect(two.of('abz').limits.totalTimeoutMs).toBe(2);
    expect(two.of('ab').limits.totalTimeoutMs).toBe(1);
  });
});

const planOf = (resolvedModel: string, candidates: readonly Partial<Candidate>[] = []): RoutePlan =>
  ({ resolvedModel, candidates: candidates.map((each, rank) => ({ rank, ...each })) }) as unknown as RoutePlan;
const window = (plan: RoutePlan, wanted: Target): number | null => policies.contextWindow(plan, wanted);

describe('the context of a target', () => {
  it('is what its own model says, whatever another one says of the same target', () => {
    expect([window(planOf('slow'), target), window(planOf('wide'), target)]).toEqual([8_000, 64_000]);
    expect(window(planOf('r/y'), { provider: 'r', model: 'x-y' })).toBe(9_000);
  });

  it('is what the fallback says by which it came', () => {
    const plan = planOf('slow', [
      { provider: 'p', model: 'other' },
      { ...target, via: 'wide' },
    ]);

    expect(window(plan, target)).toBe(64_000);
  });

  it('is what all others agree on where its own model says nothing, and unknown where they do not', () => {
    expect(window(planOf('q/only-here'), { provider: 'q', model: 'only-here' })).toBe(5_000);
    expect(window(planOf('r/other'), { provider: 'r', model: 'x-z' })).toBe(9_000);
    expect(window(planOf('plain'), target)).toBeNull();
    expect(window(planOf('plain'), { provider: 'p', model: 'n' })).toBeNull();
    expect(window(planOf('constructor'), { provider: 'constructor', model: 'm' })).toBeNull();
  });
});
