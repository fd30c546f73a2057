import { describe, expect, it } from 'vitest';
import { DEFAULT_RELIABILITY } from '#config/domain/default-settings.js';
import { ModelPolicies } from './model-policies.js';

const target = { provider: 'p', model: 'm', weight: 1 };
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

  it('knows the context windows that were told, and no others', () => {
    expect([policies.contextWindow('p', 'm'), policies.contextWindow('p', 'n')]).toEqual([8_000, null]);
  });
});
