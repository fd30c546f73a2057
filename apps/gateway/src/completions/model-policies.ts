import type { HedgeSettings, ModelSettings, Settings } from '#config/domain/settings.js';
import type { AttemptLimits } from '#dispatch/ports/dispatcher.js';
import { literalLength, matchName } from '#routing/domain/name-pattern.js';
import type { RoutePlan, Target } from '#routing/domain/route-plan.js';
import { ToldWindows } from './told-windows.js';

/** How calls for one model are made. */
export interface ModelPolicy {
  readonly limits: AttemptLimits;
  readonly hedge?: HedgeSettings;
  readonly policyTargets?: readonly Target[];
}

/** What the configuration says about the calls of its models; the same for every request, so made once. */
export class ModelPolicies {
  readonly #usual: ModelPolicy;
  readonly #exact = new Map<string, ModelSettings>();
  /** In the order in which routing takes them: the more specific pattern first, equal ones by name. */
  readonly #patterns: readonly (readonly [string, ModelSettings])[];
  readonly #told: ToldWindows;
  /** Longest total timeout of any model. */
  readonly totalTimeoutMsMax: number;

  constructor(settings: Pick<Settings, 'models' | 'reliability'>) {
    this.#usual = { limits: settings.reliability };
    const special: [string, ModelSettings][] = [];
    let longestMs = settings.reliability.totalTimeoutMs;
    for (const [name, model] of Object.entries(settings.models)) {
      longestMs = Math.max(longestMs, model.timeouts?.totalTimeoutMs ?? 0);
      if (name.includes('*')) special.push([name, model]);
      else this.#exact.set(name, model);
    }
    this.totalTimeoutMsMax = longestMs;
    this.#patterns = special.toSorted(([a], [b]) => literalLength(b) - literalLength(a) || (a < b ? -1 : 1));
    this.#told = new ToldWindows(Object.values(settings.models));
  }

  /** @param model the alias or name after routing. */
  of(model: string): ModelPolicy {
    const found = this.#find(model);
    return found === null ? this.#usual : this.#policy(...found);
  }

  /**
   * Context of a target in tokens, as the model says it by which the target came into this plan: another model may say
   * something else of the same target. `null` = not known.
   */
  contextWindow(plan: RoutePlan, target: Target): number | null {
    const { provider, model } = target;
    const candidate = plan.candidates.find(
      (each) => each.rank !== null && each.provider === provider && each.model === model,
    );
    const found = this.#find(candidate?.via ?? plan.resolvedModel);
    const own = found?.[0].targets.find(
      (each) => each.provider === provider && fillStar(each.model, found[1]) === model,
    );
    return own?.contextTokens ?? this.#told.of(target);
  }

  #find(model: string): readonly [settings: ModelSettings, star: string] | null {
    const exact = this.#exact.get(model);
    if (exact !== undefined) return [exact, ''];
    for (const [pattern, settings] of this.#patterns) {
      const star = matchName(pattern, model);
      if (star !== null && star !== '') return [settings, star];
    }
    return null;
  }

  #policy({ timeouts, hedge, policyFallback }: ModelSettings, star: string): ModelPolicy {
    if (timeouts === undefined && hedge === undefined && policyFallback === undefined) return this.#usual;
    return {
      limits: timeouts === undefined ? this.#usual.limits : { ...this.#usual.limits, ...timeouts },
      ...(hedge !== undefined && { hedge }),
      ...(policyFallback !== undefined && {
        policyTargets: policyFallback.map(({ provider, model }) => ({ provider, model: fillStar(model, star) })),
      }),
    };
  }
}

// A function as the replacement: `$&` in a client's model name must stay text.
const fillStar = (model: string, star: string): string => model.replaceAll('*', () => star);
