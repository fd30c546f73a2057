import type { HedgeSettings, ModelSettings, Settings } from '#config/domain/settings.js';
import type { AttemptLimits } from '#dispatch/ports/dispatcher.js';
import { literalLength, matchName } from '#routing/domain/name-pattern.js';
import type { Target } from '#routing/domain/route-plan.js';

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
  /** The more specific pattern first, as routing takes them. */
  readonly #patterns: readonly (readonly [string, ModelSettings])[];
  readonly #windows = new Map<string, number>();
  readonly #windowPatterns: (readonly [provider: string, pattern: string, tokens: number])[] = [];
  /** Longest total timeout of any model. */
  readonly totalTimeoutMsMax: number;

  constructor(settings: Pick<Settings, 'models' | 'reliability'>) {
    this.#usual = { limits: settings.reliability };
    const special: [string, ModelSettings][] = [];
    let longestMs = settings.reliability.totalTimeoutMs;
    for (const [name, model] of Object.entries(settings.models)) {
      longestMs = Math.max(longestMs, model.timeouts?.totalTimeoutMs ?? 0);
      this.#learnWindows(model);
      if (name.includes('*')) special.push([name, model]);
      else this.#exact.set(name, model);
    }
    this.totalTimeoutMsMax = longestMs;
    this.#patterns = special.toSorted(([a], [b]) => literalLength(b) - literalLength(a));
  }

  /** @param model the alias or name after routing. */
  of(model: string): ModelPolicy {
    const exact = this.#exact.get(model);
    if (exact !== undefined) return this.#policy(exact, '');
    for (const [pattern, settings] of this.#patterns) {
      const star = matchName(pattern, model);
      if (star !== null && star !== '') return this.#policy(settings, star);
    }
    return this.#usual;
  }

  /** Tokens; `null` = not known. */
  contextWindow(provider: string, model: string): number | null {
    const known = this.#windows.get(`${provider}/${model}`);
    if (known !== undefined) return known;
    const found = this.#windowPatterns.find(
      ([name, pattern]) => name === provider && matchName(pattern, model) !== null,
    );
    return found?.[2] ?? null;
  }

  #policy({ timeouts, hedge, policyFallback }: ModelSettings, star: string): ModelPolicy {
    if (timeouts === undefined && hedge === undefined && policyFallback === undefined) return this.#usual;
    return {
      limits: timeouts === undefined ? this.#usual.limits : { ...this.#usual.limits, ...timeouts },
      ...(hedge !== undefined && { hedge }),
      ...(policyFallback !== undefined && {
        policyTargets: policyFallback.map(({ provider, model }) => ({
          provider,
          model: model.replaceAll('*', () => star),
        })),
      }),
    };
  }

  #learnWindows(model: ModelSettings): void {
    for (const { provider, model: name, contextTokens } of model.targets) {
      if (contextTokens === undefined) continue;
      if (name.includes('*')) this.#windowPatterns.push([provider, name, contextTokens]);
      else this.#windows.set(`${provider}/${name}`, contextTokens);
    }
  }
}
