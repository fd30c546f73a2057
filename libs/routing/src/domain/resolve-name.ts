import { matchName } from './name-pattern.js';
import type { CompiledPolicy, PolicyTarget, Strategy } from './routing-policy.js';

/** What a name stands for, before anything is filtered or ordered. */
export interface Resolution {
  readonly name: string;
  readonly how: 'declared_model' | 'wildcard' | 'provider_prefix' | 'listed_model' | 'sole_provider';
  readonly strategy: Strategy;
  readonly targets: readonly PolicyTarget[];
}

/**
 * Looks a name up: alias, alias pattern, `provider/model`, model that one provider lists, any model of the only
 * provider when that lists none. `auto` and rules are not its business.
 * @returns `null` when nothing knows the name, or two providers list it.
 */
export function resolveName(policy: CompiledPolicy, name: string): Resolution | null {
  const alias = policy.exact.get(name);
  if (alias !== undefined && !name.includes('*')) {
    return { name, how: 'declared_model', strategy: alias.strategy, targets: alias.targets };
  }
  for (const pattern of policy.wildcards) {
    const star = matchName(pattern.name, name);
    if (star === null || star === '') continue;
    const targets = pattern.targets.map((target) => ({ ...target, model: fillStar(target.model, star) }));
    return { name, how: 'wildcard', strategy: pattern.strategy, targets };
  }
  const slash = name.indexOf('/');
  if (slash > 0 && slash < name.length - 1 && policy.models.has(name.slice(0, slash))) {
    return single(name, 'provider_prefix', name.slice(0, slash), name.slice(slash + 1));
  }
  const providers = policy.listedBy.get(name) ?? [];
  if (providers.length === 1 && providers[0] !== undefined) return single(name, 'listed_model', providers[0], name);
  const only = policy.providers.length === 1 ? policy.providers[0] : undefined;
  if (only !== undefined && only[1].length === 0 && name !== '') return single(name, 'sole_provider', only[0], name);
  return null;
}

// A function as the replacement: `$&` in a client's model name must stay text.
const fillStar = (model: string, star: string): string => model.replaceAll('*', () => star);

const single = (name: string, how: Resolution['how'], provider: string, model: string): Resolution => ({
  name,
  how,
  strategy: 'order',
  targets: [{ provider, model, weight: 1 }],
});
