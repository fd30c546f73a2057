import type { ContentStored } from '#events/domain/router-event.js';
import type { CacheContent, CacheKey, CacheQuestion } from '../domain/cache-question.js';

export type { CacheContent, CacheKey, CachePolicy, CacheQuestion } from '../domain/cache-question.js';

export type CacheLookup =
  | {
      readonly kind: 'hit';
      readonly tier: 'exact' | 'normalised' | 'semantic';
      readonly content: CacheContent;
      readonly receiptId: string;
      readonly similarity: number | null;
      readonly ageSeconds: number;
      readonly reason: string;
    }
  | { readonly kind: 'miss'; readonly reason: string; readonly similarity: number | null };

/** What to append as `content.stored`; `null` when this answer must not be stored, with the reason. */
export type StoreDecision =
  { readonly store: true; readonly event: ContentStored } | { readonly store: false; readonly reason: string };

export interface SemanticCache {
  /** `null` when this request can neither be served from nor stored in the cache; the reason is for the receipt. */
  keyOf(question: CacheQuestion): { readonly key: CacheKey } | { readonly key: null; readonly reason: string };
  /** Never rejects, never takes longer than its time box: any doubt or fault is a miss with a reason. */
  lookUp(question: CacheQuestion, key: CacheKey): Promise<CacheLookup>;
  /** Seals an answer for the log. The indexer puts it into the index when it reads the event back. */
  decideStore(question: CacheQuestion, key: CacheKey, receiptId: string, content: CacheContent): StoreDecision;
}
