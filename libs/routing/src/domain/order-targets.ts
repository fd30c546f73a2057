import type { Candidate, Target } from './route-plan.js';
import type { CompiledPolicy, PolicyTarget, Strategy } from './routing-policy.js';
import { weightedOrder } from './seeded-draw.js';

/** OpenRouter's `provider` object, as far as it means something when targets name our own providers. */
export interface ProviderPreferences {
  /** Providers to try first, in this order. */
  readonly order?: readonly string[];
  readonly only?: readonly string[];
  readonly ignore?: readonly string[];
  /** `false`: nothing but `order`, or nothing but the first target. Default `true`. */
  readonly allowFallbacks?: boolean;
}

/** A smaller number is better; `null` = not known, which goes last and is never taken for free or instant. */
export type TargetMeasure = (target: Target) => number | null;

export interface Measures {
  /** Expected price of one request, any fixed unit. */
  readonly price?: TargetMeasure;
  /** Expected milliseconds until the first token. */
  readonly latency?: TargetMeasure;
}

export interface Ordered {
  readonly targets: readonly Target[];
  readonly candidates: readonly Candidate[];
}

interface Entry extends PolicyTarget {
  readonly measured: NonNullable<Candidate['measured']> | null;
}

/** Puts the targets of one name in the order of trying and says of each why it stands there or was taken out. */
export function orderTargets(
  policy: CompiledPolicy,
  strategy: Strategy,
  declared: readonly PolicyTarget[],
  wishes: ProviderPreferences,
  seed: string,
  measures: Measures,
): Ordered {
  const excluded: Candidate[] = [];
  const order = wishes.order ?? [];
  let kept: Entry[] = [];
  for (const target of declared) {
    const reason = exclusion(policy, target, wishes, kept);
    const entry = { ...target, measured: measure(target, strategy, measures) };
    if (reason === null) kept.push(entry);
    else excluded.push(toCandidate(entry, null, reason, strategy));
  }
  kept = byStrategy(kept, strategy, seed);
  if (order.length > 0) {
    const place = ({ provider }: Entry): number => (order.includes(provider) ? order.indexOf(provider) : order.length);
    kept.sort((a, b) => place(a) - place(b));
  }
  if (wishes.allowFallbacks === false) {
    const stays = ({ provider }: Entry, index: number): boolean =>
      order.length > 0 ? order.includes(provider) : index === 0;
    for (const entry of kept.filter((each, index) => !stays(each, index))) {
      excluded.push(toCandidate(entry, null, 'excluded:fallbacks_off', strategy));
    }
    kept = kept.filter(stays);
  }
  const ranked = kept.map((entry, rank) => toCandidate(entry, rank, reasonFor(entry, rank, order, strategy), strategy));
  return { targets: kept.map(({ provider, model }) => ({ provider, model })), candidates: [...ranked, ...excluded] };
}

function exclusion(
  policy: CompiledPolicy,
  target: Target,
  wishes: ProviderPreferences,
  kept: readonly Target[],
): string | null {
  if (!policy.models.has(target.provider)) return 'excluded:provider_unknown';
  if (wishes.only !== undefined && !wishes.only.includes(target.provider)) return 'excluded:not_in_only';
  if (wishes.ignore?.includes(target.provider)) return 'excluded:ignored_by_client';
  const twice = kept.some((other) => other.provider === target.provider && other.model === target.model);
  return twice ? 'excluded:duplicate' : null;
}

function measure(target: Target, strategy: Strategy, measures: Measures): Entry['measured'] {
  if (strategy !== 'price' && strategy !== 'latency') return null;
  const read = measures[strategy];
  if (read === undefined) return null;
  const value = read(target);
  return { by: strategy, value: value === null || !Number.isFinite(value) ? null : value };
}

function byStrategy(entries: Entry[], strategy: Strategy, seed: string): Entry[] {
  if (strategy === 'weighted') {
    const weights = entries.map((entry) => entry.weight);
    return weightedOrder(weights, seed).flatMap((index) => entries[index] ?? []);
  }
  const value = (entry: Entry): number => entry.measured?.value ?? Number.MAX_VALUE;
  return entries.sort((a, b) => value(a) - value(b));
}

function reasonFor(entry: Entry, rank: number, order: readonly string[], strategy: Strategy): string {
  if (order.includes(entry.provider)) return 'client_order';
  if (strategy === 'weighted') return entry.weight > 0 ? 'weighted_draw' : 'weight_zero';
  if (entry.measured !== null) return entry.measured.value === null ? `${strategy}_unknown` : `${strategy}_rank`;
  return rank === 0 ? 'first' : 'next';
}

function toCandidate(entry: Entry, rank: number | null, reason: string, strategy: Strategy): Candidate {
  const { provider, model, measured } = entry;
  const weight = strategy === 'weighted' ? entry.weight : null;
  return { provider, model, rank, reason, weight, ...(measured !== null && { measured }) };
}
