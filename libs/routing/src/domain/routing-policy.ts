import { literalLength } from './name-pattern.js';
import type { Target } from './route-plan.js';

export type Strategy = 'order' | 'weighted' | 'latency' | 'price';

export interface PolicyTarget extends Target {
  readonly weight: number;
}

export interface PolicyAlias {
  readonly name: string;
  readonly strategy: Strategy;
  readonly targets: readonly PolicyTarget[];
}

export interface PolicyRule {
  readonly name: string;
  /** Lower-case header name and the value or pattern it must have. */
  readonly headers: readonly (readonly [string, string])[];
  readonly task: string | null;
  readonly model: string | null;
  readonly use: string;
}

export interface PolicyAuto {
  readonly weak: string;
  readonly strong: string;
  readonly strongShare: number;
  readonly abstain: string;
}

/** All that a decision depends on besides the question. Holds no address and no secret: it is published. */
export interface RoutingPolicy {
  readonly version: 1;
  /** Content address of the classifier's artefact; `null` = none, so `auto` always abstains. */
  readonly classifier: string | null;
  /** Providers that exist, with the models they list. */
  readonly providers: readonly (readonly [string, readonly string[]])[];
  readonly aliases: readonly PolicyAlias[];
  readonly rules: readonly PolicyRule[];
  readonly auto: PolicyAuto | null;
}

/** The shape of `Settings` that routing reads. */
export interface PolicySource {
  readonly providers: Readonly<Record<string, { readonly models: readonly string[] }>>;
  readonly models: Readonly<Record<string, { readonly strategy: Strategy; readonly targets: readonly PolicyTarget[] }>>;
  readonly routing: {
    readonly rules: readonly {
      readonly name: string;
      readonly when: {
        readonly header: Readonly<Record<string, string>>;
        readonly task: string | null;
        readonly model: string | null;
      };
      readonly use: string;
    }[];
    readonly auto: PolicyAuto | null;
  };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Brings settings into the one form that is hashed: what has no order is sorted, rules and targets keep theirs. */
export function toPolicy(
  source: PolicySource,
  providerNames: readonly string[],
  classifier: string | null,
  listedModels: (provider: string) => readonly string[] = () => [],
): RoutingPolicy {
  const auto = source.routing.auto;
  const modelsOf = (name: string): readonly string[] => {
    const own = Object.hasOwn(source.providers, name) ? (source.providers[name]?.models ?? []) : [];
    return [...new Set([...own, ...listedModels(name)])].sort(byText);
  };
  return {
    version: 1,
    classifier,
    providers: [...new Set(providerNames)].sort(byText).map((name) => [name, modelsOf(name)]),
    aliases: Object.entries(source.models)
      .sort((a, b) => byText(a[0], b[0]))
      .map(([name, { strategy, targets }]) => ({
        name,
        strategy,
        targets: targets.map(({ provider, model, weight }) => ({ provider, model, weight })),
      })),
    rules: source.routing.rules.map(({ name, when, use }) => ({
      name,
      headers: Object.entries(when.header)
        .map(([header, value]) => [header.toLowerCase(), value] as const)
        .sort((a, b) => byText(a[0], b[0])),
      task: when.task,
      model: when.model,
      use,
    })),
    auto:
      auto === null
        ? null
        : { weak: auto.weak, strong: auto.strong, strongShare: auto.strongShare, abstain: auto.abstain },
  };
}

/** The text that is hashed and published. `toPolicy` fixes the order of keys, so equal policies are equal texts. */
export const policyToText = (policy: RoutingPolicy): string => JSON.stringify(policy);

/** Reads a text that `policyToText` wrote; the caller checks its hash first. */
export const policyFromText = (text: string): RoutingPolicy => JSON.parse(text) as RoutingPolicy;

/** A policy with its look-up tables. Tables are maps: names come from clients, and `constructor` is a name. */
export interface CompiledPolicy extends RoutingPolicy {
  readonly models: ReadonlyMap<string, readonly string[]>;
  readonly exact: ReadonlyMap<string, PolicyAlias>;
  /** Most specific first. */
  readonly wildcards: readonly PolicyAlias[];
  /** Model name → providers that list it. */
  readonly listedBy: ReadonlyMap<string, readonly string[]>;
}

export function compilePolicy(policy: RoutingPolicy): CompiledPolicy {
  const listedBy = new Map<string, string[]>();
  for (const [provider, models] of policy.providers) {
    for (const model of new Set(models)) listedBy.set(model, [...(listedBy.get(model) ?? []), provider]);
  }
  return {
    ...policy,
    models: new Map(policy.providers),
    exact: new Map(policy.aliases.map((alias) => [alias.name, alias])),
    wildcards: policy.aliases
      .filter((alias) => alias.name.includes('*'))
      .sort((a, b) => literalLength(b.name) - literalLength(a.name)),
    listedBy,
  };
}
