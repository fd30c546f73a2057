import type { ProviderPreferences } from '../domain/order-targets.js';
import type { RoutePlan } from '../domain/route-plan.js';

/** The parts of a request that routing may look at. */
export interface RouteQuestion {
  readonly requestedModel: string;
  /** Lower-case header name → value. */
  header(name: string): string | undefined;
  /** Text of the last user turn, at most 4,000 characters; computed only when a rule or `auto` needs it. */
  promptText(): string;
  /** Patterns of models the key may call; empty = all. */
  readonly allowedModels: readonly string[];
  /** OpenRouter's `models[]` / LiteLLM's `fallbacks`: tried after the plan's own targets. */
  readonly fallbackModels: readonly string[];
  /** OpenRouter's `provider` object. Names that are no providers of ours end in the plan's `ignored`. */
  readonly providerPreferences?: ProviderPreferences;
  /** Seed of weighted draws and exploration: the receipt id, so that the choice can be computed again. */
  readonly seed: string;
}

/** Decides where a request goes. Pure given its configuration; never calls anything. */
export interface Router {
  /**
   * @throws RouterError `model_not_found` (404, param `model`) when nothing fits,
   *   `model_not_allowed` (403) when the key may not use what it asked for.
   */
  plan(question: RouteQuestion): RoutePlan;
  /** Models for `GET /v1/models`: aliases, `auto`, and what providers list. */
  models(allowedModels: readonly string[]): readonly { readonly id: string; readonly ownedBy: string }[];
  readonly policyHash: string;
  /** The effective policy as text; its sha256 is `policyHash`. */
  readonly policyText: string;
}
