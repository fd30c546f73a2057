import { suggestion } from './did-you-mean.js';
import type { Section } from './section.js';
import type { ModelSettings } from './settings.js';

const STRATEGIES = ['order', 'weighted', 'latency', 'price'] as const;
export const MODEL_FIELDS = ['strategy', 'targets'] as const;
export const TARGET_FIELDS = ['provider', 'model', 'weight'] as const;

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
  const targets = sections.map((target) => {
    const provider = target.requiredString('provider');
    const model = target.requiredString('model');
    if (provider !== '' && !providers.includes(provider)) {
      target.report('provider', `no provider "${provider}" is configured${suggestion(provider, providers)}`);
    }
    if (model.includes('*') && !alias.includes('*')) {
      target.report('model', 'a star here needs a star in the name of the model');
    }
    return { provider, model, weight: target.number('weight', 1, { above: 0 }) };
  });
  return { strategy: section.oneOf('strategy', STRATEGIES, 'order'), targets };
}
