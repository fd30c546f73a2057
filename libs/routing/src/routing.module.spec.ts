import { describe, expect, it } from 'vitest';
import type { ModelSettings, RuleSettings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';
import type { PromptClassifier } from './domain/prompt-classifier.js';
import type { RouteQuestion, Router } from './ports/router.js';
import { createRouter, replan, type RouterInit } from './routing.module.js';

const target = (provider: string, model: string, weight = 1) => ({ provider, model, weight });
const alias = (strategy: ModelSettings['strategy'], ...targets: ModelSettings['targets']): ModelSettings => ({
  strategy,
  targets,
});
const rule = (name: string, when: Partial<RuleSettings['when']>, use: string): RuleSettings => ({
  name,
  when: { header: {}, task: null, model: null, ...when },
  use,
});
const provider = (...models: string[]) => ({ kind: 'openai-compatible', baseUrl: null, apiKeys: [], models });

const settings: RouterInit['settings'] = {
  providers: { alpha: provider('alpha-large', 'shared'), beta: provider('beta-small', 'shared') },
  models: {
    large: alias('order', target('alpha', 'alpha-large')),
    small: alias('order', target('beta', 'beta-small')),
    resilient: alias('order', target('gone', 'x'), target('alpha', 'alpha-large'), target('beta', 'beta-small')),
    split: alias('weighted', target('alpha', 'a', 3), target('beta', 'b', 1)),
    cheap: alias('price', target('alpha', 'a'), target('beta', 'b')),
    'a/*': alias('order', target('alpha', '*')),
    'a/special-*': alias('order', target('beta', 'special')),
  },
  routing: {
    rules: [
      rule('legal', { header: { 'x-team': 'legal' } }, 'large'),
      rule('prefix', { header: { 'x-team': 'eu-*' } }, 'small'),
      rule('both', { header: { 'x-team': 'ops' }, model: 'large' }, 'small'),
      rule('code', { task: 'code' }, 'large'),
      rule('legacy', { model: 'old-*' }, 'small'),
      rule('broken', { model: 'nowhere' }, 'no-such-target'),
    ],
    auto: { weak: 'small', strong: 'large', classifier: 'builtin', strongShare: 0.5, abstain: 'large' },
  },
};
const byLength: PromptClassifier = {
  artifact: 'sha256:length',
  judge: (text, share) => ({
    artifact: 'sha256:length',
    scoreQ: text.length,
    thresholdQ: Math.round((1 - share) * 100),
    unknownPermille: 0,
    abstained: text === '',
    chose: text.length > (1 - share) * 100 ? 'strong' : 'weak',
    top: [],
  }),
};
const make = (over: Partial<RouterInit> = {}): Router =>
  createRouter({ settings, providerNames: ['alpha', 'beta'], artifact: byLength, ...over });

interface Asked extends Partial<Omit<RouteQuestion, 'header' | 'promptText'>> {
  headers?: Record<string, string>;
  prompt?: string;
}
const ask = (requestedModel: string, { headers = {}, prompt = 'hello', ...rest }: Asked = {}): RouteQuestion => ({
  requestedModel,
  header: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined),
  promptText: () => prompt,
  allowedModels: [],
  fallbackModels: [],
  seed: '018f0000-0000-7000-8000-000000000000',
  ...rest,
});
const price = (each: { provider: string }): number | null => (each.provider === 'beta' ? 5 : null);
const ids = (allowed: string[]): string[] =>
  make()
    .models(allowed)
    .map((each) => each.id);
const refusal = (act: () => unknown): Pick<RouterError, 'code' | 'httpStatus' | 'type' | 'param'> => {
  try {
    act();
  } catch (error) {
    if (error instanceof RouterError) {
      const { code, httpStatus, type, param } = error;
      return { code, httpStatus, type, param };
    }
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('createRouter', () => {
  it.each([
    ['small', { headers: { 'x-team': 'legal' } }, 'large', 'rule', 'legal'],
    ['large', { headers: { 'x-team': 'eu-west' } }, 'small', 'rule', 'prefix'],
    ['large', { headers: { 'x-team': 'ops' } }, 'small', 'rule', 'both'],
    ['resilient', { headers: { 'x-team': 'ops' } }, 'resilient', 'declared_model', null],
    ['small', { headers: { 'x-nextmodel-task': 'code' } }, 'large', 'rule', 'code'],
    ['small', { prompt: '```js\nlet a\n```' }, 'large', 'rule', 'code'],
    [
      'small',
      { prompt: '```js\nlet a\n```', headers: { 'x-nextmodel-task': 'chat' } },
      'small',
      'declared_model',
      null,
    ],
    ['old-model-1', {}, 'small', 'rule', 'legacy'],
    ['small', {}, 'small', 'declared_model', null],
    ['a/whatever-7', {}, 'a/whatever-7', 'wildcard', null],
    ['beta/anything/else', {}, 'beta/anything/else', 'provider_prefix', null],
    ['beta-small', {}, 'beta-small', 'listed_model', null],
    ['auto', { prompt: 'hi' }, 'small', 'auto:weak', null],
    ['auto', { prompt: 'x'.repeat(60) }, 'large', 'auto:strong', null],
    ['auto', { prompt: '' }, 'large', 'auto:abstain', null],
  ] as const)('sends %s with %j to %s because of %s', (model, asked, resolved, reason, byRule) => {
    const plan = make().plan(ask(model, asked));

    expect(plan).toMatchObject({ requestedModel: model, resolvedModel: resolved, reason, rule: byRule });
  });

  it('carries the star of an alias over into the target, and the more specific pattern wins', () => {
    const router = make();

    expect(router.plan(ask('a/what$&ever')).targets).toEqual([{ provider: 'alpha', model: 'what$&ever' }]);
    expect(router.plan(ask('a/special-1')).targets).toEqual([{ provider: 'beta', model: 'special' }]);
  });

  it.each([
    'no-such-model',
    'constructor',
    '__proto__',
    'a/',
    'shared',
    'nowhere',
    'large*',
    '',
    'gone/x',
    'a/*x'.slice(0, 2),
  ])('refuses %j as an unknown model', (model) => {
    expect(refusal(() => make().plan(ask(model)))).toEqual({
      code: 'model_not_found',
      httpStatus: 404,
      type: 'invalid_request_error',
      param: 'model',
    });
  });

  it('lets a key call only what its patterns allow, by whatever way it got there', () => {
    const denied = { code: 'model_not_allowed', httpStatus: 403, type: 'permission_error', param: 'model' };
    const router = make();

    expect(refusal(() => router.plan(ask('large', { allowedModels: ['small'] })))).toEqual(denied);
    expect(
      refusal(() => router.plan(ask('small', { allowedModels: ['small'], headers: { 'x-team': 'legal' } }))),
    ).toEqual(denied);
    expect(router.plan(ask('auto', { allowedModels: ['auto'] })).resolvedModel).toBe('small');
    expect(router.plan(ask('old-1', { allowedModels: ['old-*'] })).resolvedModel).toBe('small');
    const { targets, ignored } = router.plan(ask('small', { allowedModels: ['small'], fallbackModels: ['large'] }));
    expect(targets).toHaveLength(1);
    expect(ignored).toEqual(['models: large is not allowed for this key']);
  });

  it('keeps excluded targets among the candidates with their reason', () => {
    const plan = make().plan(ask('resilient'));

    expect(plan.targets.map((each) => each.provider)).toEqual(['alpha', 'beta']);
    expect(plan.candidates.map((each) => [each.provider, each.rank, each.reason])).toEqual([
      ['alpha', 0, 'first'],
      ['beta', 1, 'next'],
      ['gone', null, 'excluded:provider_unknown'],
    ]);
  });

  it('appends fallback models once each and says what it did not use', () => {
    const plan = make().plan(ask('small', { fallbackModels: ['large', 'resilient', 'missing', 'auto'] }));

    expect(plan.targets).toEqual([
      { provider: 'beta', model: 'beta-small' },
      { provider: 'alpha', model: 'alpha-large' },
    ]);
    expect(plan.ignored).toEqual(['models: missing is unknown', 'models: auto is unknown']);
  });

  it('follows provider wishes that name our providers and lists the others', () => {
    const router = make();
    const wish = (providerPreferences: RouteQuestion['providerPreferences']) =>
      router.plan(ask('resilient', { ...(providerPreferences && { providerPreferences }) }));

    expect(wish({ order: ['beta', 'azure'] }).targets[0]?.provider).toBe('beta');
    expect(wish({ order: ['beta', 'azure'] }).ignored).toEqual(['provider.order: azure is no provider here']);
    expect(wish({ only: ['beta'] }).targets).toHaveLength(1);
    expect(wish({ only: ['azure'] }).targets).toHaveLength(2);
    expect(wish({ ignore: ['alpha'] }).targets[0]?.provider).toBe('beta');
    expect(wish({ allowFallbacks: false }).targets).toHaveLength(1);
    expect(refusal(() => wish({ ignore: ['alpha', 'beta'] })).code).toBe('model_not_found');
  });

  it('draws by weight from the seed, the same every time', () => {
    const router = make();
    const first = (n: number) => router.plan(ask('split', { seed: `seed-${n}` })).targets[0]?.provider;

    const draws = Array.from({ length: 2000 }, (_, n) => first(n));

    expect(draws.filter((each) => each === 'alpha').length / 2000).toBeCloseTo(0.75, 1);
    expect(Array.from({ length: 50 }, (_, n) => first(n))).toEqual(draws.slice(0, 50));
  });

  it('ranks by price, never takes an unknown price for a low one, and keeps the order without prices', () => {
    expect(make({ measures: { price } }).plan(ask('cheap')).targets[0]?.provider).toBe('beta');
    expect(make().plan(ask('cheap')).targets[0]?.provider).toBe('alpha');
  });

  it('uses the abstain model when there is no artefact, as a reason of its own', () => {
    const plan = make({ artifact: null }).plan(ask('auto'));

    expect(plan).toMatchObject({ resolvedModel: 'large', reason: 'auto:unavailable', classifier: null });
  });

  it('sends any name to the only provider when that lists none', () => {
    const only = { providers: { solo: provider() }, models: {}, routing: { rules: [], auto: null } };

    const plan = createRouter({ settings: only, providerNames: ['solo'] }).plan(ask('gpt-5'));

    expect(plan).toMatchObject({ reason: 'sole_provider', targets: [{ provider: 'solo', model: 'gpt-5' }] });
  });

  it('lists aliases, auto and the models of providers, as far as the key may call them', () => {
    expect(ids([])).toEqual(expect.arrayContaining(['large', 'auto', 'alpha-large', 'alpha/shared', 'beta/shared']));
    expect(ids([]).some((id) => id.includes('*'))).toBe(false);
    expect(ids(['small', 'beta/*'])).toEqual(['small', 'beta/shared']);
  });
});

describe('createRouter without a configuration file', () => {
  it('knows every model that the provider lists by its bare name, once', () => {
    const one = {
      providers: { demo: provider('demo-small') },
      models: { 'demo-small': alias('order', target('demo', 'demo-small')) },
    };
    const router = createRouter({
      settings: { ...one, routing: { rules: [], auto: null } },
      providerNames: ['demo'],
      listedModels: () => ['demo-small', 'demo-embed'],
    });

    expect(router.plan(ask('demo-embed'))).toMatchObject({ reason: 'listed_model' });
    expect(router.models([]).map((each) => each.id)).toEqual(['demo-small', 'demo-embed']);
    expect(refusal(() => router.plan(ask('no-such-model'))).code).toBe('model_not_found');
  });
});

describe('replan', () => {
  it('gives the recorded plan again from question and policy text', () => {
    const router = make({ measures: { price } });
    const models = ['small', 'auto', 'split', 'cheap', 'a/x', 'resilient'];

    for (const model of models) {
      const question = ask(model, { fallbackModels: ['cheap', 'split'], prompt: 'x'.repeat(70) });
      const plan = router.plan(question);
      const again = replan(question, router.policyText, { artifact: byLength, recorded: plan.candidates });

      const untimed = plan.classifier && { ...plan.classifier, tookUs: 0 };
      expect(again).toEqual({ ...plan, classifier: untimed });
    }
  });

  it('does not depend on the order of keys in the settings, and changes its hash with a rule', () => {
    const turned = { ...settings, models: Object.fromEntries(Object.entries(settings.models).toReversed()) };
    const ruleless = { ...settings, routing: { ...settings.routing, rules: [] } };

    expect(make({ settings: turned }).policyHash).toBe(make().policyHash);
    expect(make({ settings: ruleless }).policyHash).not.toBe(make().policyHash);
  });

  it('says so when the classifier of the decision is not the one given', () => {
    const { policyText } = make();

    expect(refusal(() => replan(ask('auto'), policyText)).code).toBe('configuration');
    expect(replan(ask('small'), policyText).resolvedModel).toBe('small');
  });
});
