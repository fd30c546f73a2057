import { AUTO } from './choose-name.js';
import { allowsName } from './name-pattern.js';
import type { CompiledPolicy } from './routing-policy.js';

export interface ListedModel {
  readonly id: string;
  /** A provider's name, or `nextmodel` for aliases and `auto`. */
  readonly ownedBy: string;
}

/**
 * The names a key may ask for: aliases, `auto`, and what providers list. A model of several providers stands there
 * once for each, as `provider/model`; patterns are left out, because nobody can ask for them as they are.
 */
export function listModels(policy: CompiledPolicy, allowedModels: readonly string[]): readonly ListedModel[] {
  const listed = new Map<string, string>();
  for (const alias of policy.aliases) if (!alias.name.includes('*')) listed.set(alias.name, 'nextmodel');
  if (policy.auto !== null) listed.set(AUTO, 'nextmodel');
  for (const [model, providers] of policy.listedBy) {
    const alias = policy.exact.get(model);
    for (const provider of providers) {
      // An alias of the same name for the same target stands there already.
      if (alias?.targets.some((target) => target.provider === provider && target.model === model)) continue;
      const id = providers.length === 1 && !listed.has(model) ? model : `${provider}/${model}`;
      if (!listed.has(id)) listed.set(id, provider);
    }
  }
  return [...listed].map(([id, ownedBy]) => ({ id, ownedBy })).filter(({ id }) => allowsName(allowedModels, id));
}
