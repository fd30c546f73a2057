import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ModelSettings, RuleSettings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';
import type { RoutePlan, Target } from './domain/route-plan.js';
import type { RouteQuestion } from './ports/router.js';
import { excludeTargets } from './domain/exclude-targets.js';
import { createRouter, loadBuiltinClassifier, replan, type RouterInit } from './routing.module.js';

const DECISIONS = 3_000;
const PROVIDERS = ['alpha', 'beta', 'gamma'];
const artifact = loadBuiltinClassifier();

const target = fc.record({
  provider: fc.constantFrom(...PROVIDERS, 'gone'),
  model: fc.constantFrom('x', 'y', 'z'),
  weight: fc.integer({ min: 1, max: 9 }),
});
const alias: fc.Arbitrary<ModelSettings> = fc.record({
  strategy: fc.constantFrom('order', 'weighted', 'latency', 'price'),
  targets: fc.array(target, { minLength: 1, maxLength: 4 }),
});
const rule: fc.Arbitrary<RuleSettings> = fc.record({
  name: fc.string({ minLength: 1, maxLength: 5 }),
  when: fc.record({
    header: fc.oneof(fc.constant({}), fc.constantFrom({ 'x-team': 'legal' }, { 'x-team': 'eu-*' })),
    task: fc.constantFrom(null, 'code', 'chat'),
    model: fc.constantFrom(null, 'a*', 'auto'),
  }),
  use: fc.constantFrom('a', 'b', 'auto'),
});
const settings: fc.Arbitrary<RouterInit['settings']> = fc.record({
  providers: fc.constant(
    Object.fromEntries(
      PROVIDERS.map((name) => [name, { kind: 'openai-compatible', baseUrl: null, apiKeys: [], models: [] }]),
    ),
  ),
  models: fc.record({ a: alias, b: alias }),
  routing: fc.record({
    rules: fc.array(rule, { maxLength: 3 }),
    auto: fc.option(
      fc.record({
        weak: fc.constant('a'),
        strong: fc.constant('b'),
        classifier: fc.constant('builtin' as const),
        strongShare: fc.constantFrom(0.1, 0.3, 0.5, 0.9),
        abstain: fc.constantFrom('a', 'b'),
      }),
    ),
  }),
});
const words = fc.constantFrom(
  'prove',
  'the',
  'function',
  'constructor',
  'hello',
  'sql',
  '证明',
  'def',
  'x'.repeat(300),
);
const question: fc.Arbitrary<RouteQuestion> = fc
  .record({
    requestedModel: fc.constantFrom('a', 'b', 'auto', 'auto', 'alpha/x', 'nowhere'),
    team: fc.constantFrom(undefined, 'legal', 'eu-west'),
    prompt: fc.array(words, { maxLength: 30 }).map((parts) => parts.join(' ')),
    allowedModels: fc.constantFrom([], ['a', 'b', 'auto'], ['alpha/*']),
    fallbackModels: fc.constantFrom([], ['b'], ['beta/z']),
    seed: fc.uuid(),
  })
  .map(({ team, prompt, ...rest }) => ({
    ...rest,
    header: (name) => (name === 'x-team' ? team : undefined),
    promptText: () => prompt,
  }));

/** What only the dispatcher or the price list knows. */
const outside = fc.func(
  fc.constantFrom(undefined, undefined, undefined, undefined, 'excluded:breaker_open', 'excluded:cost_limit'),
);

/** The plan as `request.accepted` keeps it, without the time that the classifier took. */
const recordedOf = (plan: RoutePlan): RoutePlan =>
  JSON.parse(
    JSON.stringify({ ...plan, classifier: plan.classifier && { ...plan.classifier, tookUs: 0 } }),
  ) as RoutePlan;

function outcome(decide: () => RoutePlan): RoutePlan | string {
  try {
    return recordedOf(decide());
  } catch (error) {
    if (error instanceof RouterError) return error.code;
    throw error;
  }
}

it(`gives the same choice for ${DECISIONS} recorded decisions, from the policy text of their hash alone`, () => {
  const count = { plans: 0, classified: 0, drawn: 0, measured: 0, excluded: 0 };
  fc.assert(
    fc.property(
      settings,
      question,
      fc.func(fc.option(fc.nat(1_000))),
      outside,
      (given, asked, measureOf, outsideOf) => {
        const measure = ({ provider, model }: Target): number | null => measureOf(provider, model);
        const router = createRouter({
          settings: given,
          providerNames: PROVIDERS,
          artifact,
          measures: { price: measure, latency: measure },
        });

        const made = outcome(() =>
          excludeTargets(router.plan(asked), ({ provider, model }) => outsideOf(provider, model)),
        );
        const recorded = typeof made === 'string' ? [] : made.candidates;
        const again = outcome(() => replan(asked, router.policyText, { artifact, recorded }));

        expect(again).toEqual(made);
        if (typeof made === 'string') return;
        expect(made.policyHash).toBe(router.policyHash);
        count.plans += 1;
        if (made.classifier !== null) count.classified += 1;
        if (made.strategy === 'weighted') count.drawn += 1;
        if (made.candidates.some((each) => each.measured !== undefined)) count.measured += 1;
        if (made.candidates.some((each) => /breaker|cost/.test(each.reason))) count.excluded += 1;
      },
    ),
    { numRuns: DECISIONS, seed: 20_261_124 },
  );
  expect(artifact).not.toBeNull();
  for (const kind of Object.values(count)) expect(kind).toBeGreaterThan(100);
});
