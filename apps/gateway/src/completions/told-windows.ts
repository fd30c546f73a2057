import type { ModelSettings } from '#config/domain/settings.js';
import { matchName } from '#routing/domain/name-pattern.js';
import type { Target } from '#routing/domain/route-plan.js';

/**
 * What all models together say of the context of a provider's model, for targets that came by no model of the
 * configuration or by one that says nothing. Where they disagree nothing is known.
 */
export class ToldWindows {
  readonly #exact = new Map<string, number | null>();
  readonly #patterns: (readonly [provider: string, pattern: string, tokens: number])[] = [];

  constructor(models: readonly Pick<ModelSettings, 'targets'>[]) {
    for (const { provider, model, contextTokens } of models.flatMap(({ targets }) => targets)) {
      if (contextTokens === undefined) continue;
      if (model.includes('*')) this.#patterns.push([provider, model, contextTokens]);
      else {
        const name = `${provider}/${model}`;
        this.#exact.set(name, agreed(this.#exact.get(name), contextTokens));
      }
    }
  }

  /** Tokens; `null` = not known. */
  of({ provider, model }: Target): number | null {
    const exact = this.#exact.get(`${provider}/${model}`);
    if (exact !== undefined) return exact;
    let told: number | null | undefined;
    for (const [name, pattern, tokens] of this.#patterns) {
      if (name === provider && matchName(pattern, model) !== null) told = agreed(told, tokens);
    }
    return told ?? null;
  }
}

const agreed = (before: number | null | undefined, tokens: number): number | null =>
  before === undefined || before === tokens ? tokens : null;
