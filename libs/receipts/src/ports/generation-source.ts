import type { Generation } from '../domain/generation.js';

/** The books of a provider that can be asked for one call. */
export interface GenerationSource {
  /**
   * `null` = the provider does not know the call (any more).
   * @throws RouterError `upstream_unavailable` when it cannot be asked, `upstream_bad_response` when it answers nonsense.
   */
  find(id: string): Promise<Generation | null>;
}
