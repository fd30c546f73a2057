import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouterError } from '#events/domain/router-error.js';
import { planRoute } from './plan-route.js';
import { compilePolicy, type RoutingPolicy } from './routing-policy.js';

const names = fc.constantFrom(
  'alpha',
  'beta',
  'gamma',
  'constructor',
  '__proto__',
  'small',
  'a/x',
  'auto',
  'hasOwnProperty',
);
const target = fc.record({
  provider: names,
  model: fc.constantFrom('m', 'n', '*'),
  weight: fc.constantFrom(0, 1, 3, -1, Number.NaN),
});
const policy: fc.Arbitrary<RoutingPolicy> = fc.record({
  version: fc.constant(1 as const),
  classifier: fc.constant(null),
  providers: fc.uniqueArray(fc.tuple(names, fc.array(fc.constantFrom('m', 'n', 'small'), { maxLength: 2 })), {
    selector: ([name]) => name,
    maxLength: 4,
  }),
  aliases: fc.array(
    fc.record({
      name: fc.oneof(names, fc.constantFrom('a/*', '*')),
      strategy: fc.constantFrom('order' as const, 'weighted' as const, 'latency' as const, 'price' as const),
      targets: fc.array(target, { maxLength: 4 }),
    }),
    { maxLength: 4 },
  ),
  rules: fc.array(
    fc.record({
      name: names,
      headers: fc.array(fc.tuple(names, fc.constantFrom('*', 'x')), { maxLength: 2 }),
      task: fc.constantFrom(null, 'code', 'chat'),
      model: fc.constantFrom(null, '*', 'small'),
      use: names,
    }),
    { maxLength: 2 },
  ),
  auto: fc.option(fc.record({ weak: names, strong: names, strongShare: fc.constant(0.5), abstain: names })),
});
const wishes = fc.record(
  {
    order: fc.array(names, { maxLength: 3 }),
    only: fc.array(names, { maxLength: 3 }),
    ignore: fc.array(names, { maxLength: 2 }),
    allowFallbacks: fc.boolean(),
  },
  { requiredKeys: [] },
);
const tools = {
  policyHash: 'h',
  classifier: null,
  nowUs: () => 0,
  measures: { price: ({ model }: { model: string }) => (model === 'm' ? 1 : null) },
};

describe('planRoute', () => {
  it('gives targets that are never empty and never the same twice, or refuses with a client error', () => {
    let planned = 0;
    fc.assert(
      fc.property(
        policy,
        names,
        fc.array(names, { maxLength: 4 }),
        wishes,
        fc.array(names, { maxLength: 2 }),
        (config, requestedModel, fallbackModels, providerPreferences, allowedModels) => {
          const question = {
            requestedModel,
            fallbackModels,
            providerPreferences,
            allowedModels,
            seed: requestedModel,
            header: (name: string) => (name === 'constructor' ? 'x' : undefined),
            promptText: () => 'hello',
          };
          try {
            const plan = planRoute(compilePolicy(config), question, tools);

            const keys = plan.targets.map((each) => `${each.provider}\n${each.model}`);
            const ranked = plan.candidates.filter((each) => each.rank !== null);
            expect(keys.length).toBeGreaterThan(0);
            expect(new Set(keys).size).toBe(keys.length);
            expect(ranked.map((each) => each.rank)).toEqual(keys.map((_, rank) => rank));
            expect(ranked.map((each) => `${each.provider}\n${each.model}`)).toEqual(keys);
            expect(plan.targets.every((each) => config.providers.some(([name]) => name === each.provider))).toBe(true);
            planned++;
          } catch (error) {
            if (!(error instanceof RouterError)) throw error;
            expect([403, 404]).toContain(error.httpStatus);
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(planned).toBeGreaterThan(20);
  });
});
