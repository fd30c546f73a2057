import { DEFAULT_HEDGE } from './default-settings.js';
import { suggestion } from './did-you-mean.js';
import { parseTimeouts, TIMEOUT_FIELDS } from './parse-timeouts.js';
import type { Section } from './section.js';
import type { HedgeSettings, ModelSettings, PolicyTargetSettings } from './settings.js';

const STRATEGIES = ['order', 'weighted', 'latency', 'price'] as const;
export const MODEL_FIELDS = ['strategy', 'targets', 'timeouts', 'hedge', 'policy_fallback'] as const;
export const TARGET_FIELDS = ['provider', 'model', 'weight', 'context_tokens'] as const;
export const HEDGE_FIELDS = ['after_percentile', 'max_share'] as const;
const POLICY_TARGET_FIELDS = ['provider', 'model'] as const;
const CONTEXT_TOKENS_MAX = 1_000_000_000;

/**
 * `models:` of the file: what clients ask for → where it may go.
 * @param providers names of the configured providers.
 */
export function parseModels(root: Section, providers: readonly string[]): Record<string, ModelSettings> {
  const all = root.section('models', null);
  const models: Record<string, ModelSettings> = {};
  for (const alias of all.names) {
    if (alias === 'auto') {
      all.report(alias, '"auto" is taken: it is configured under routing.auto');
      continue;
    }
    if (alias === '' || alias.indexOf('*') !== alias.lastIndexOf('*')) {
      all.report(alias, 'a model name is not empty and has at most one star');
      continue;
    }
    models[alias] = parseModel(all.section(alias, MODEL_FIELDS), alias, providers);
  }
  return models;
}

function parseModel(section: Section, alias: string, providers: readonly string[]): ModelSettings {
  const sections = section.sections('targets', TARGET_FIELDS);
  if (sections.length === 0) section.report('targets', 'needs at least one target');
  const targets = sections.map((target) => ({
    ...parseTarget(target, alias, providers),
    weight: target.number('weight', 1, { above: 0 }),
    ...(target.has('context_tokens') && {
      contextTokens: target.number('context_tokens', 1, { min: 1, max: CONTEXT_TOKENS_MAX, integer: true }),
    }),
  }));
  const timeouts = parseTimeouts(section.section('timeouts', TIMEOUT_FIELDS));
  const policyFallback = section
    .sections('policy_fallback', POLICY_TARGET_FIELDS)
    .map((target) => parseTarget(target, alias, providers));
  return {
    strategy: section.oneOf('strategy', STRATEGIES, 'order'),
    targets,
    ...(Object.keys(timeouts).length > 0 && { timeouts }),
    ...(section.has('hedge') && { hedge: parseHedge(section.section('hedge', HEDGE_FIELDS)) }),
    ...(policyFallback.length > 0 && { policyFallback }),
  };
}

function parseTarget(target: Section, alias: string, providers: readonly string[]): PolicyTargetSettings {
  const provider = target.requiredString('provider');
  const model = target.requiredString('model');
  if (provider !== '' && !providers.includes(provider)) {
    target.report('provider', `no provider "${provider}" is configured${suggestion(provider, providers)}`);
  }
  if (model.includes('*') && !alias.includes('*')) {
    target.report('model', 'a star here needs a star in the name of the model');
  }
  return { provider, model };
}

function parseHedge(section: Section): HedgeSettings {
  return {
    afterPercentile: section.number('after_percentile', DEFAULT_HEDGE.afterPercentile, { min: 50, max: 99.9 }),
    shareMax: section.number('max_share', DEFAULT_HEDGE.shareMax, { min: 0, max: 0.5 }),
  };
}
