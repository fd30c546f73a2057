import type { ContentStored } from '#events/domain/router-event.js';
import type { CacheContent, CacheKey, CacheQuestion, EmbeddedQuestion } from '../domain/cache-question.js';
import type { EmbeddingWatch } from './embedder.js';

export type { CacheContent, CacheKey, CachePolicy, CacheQuestion, EmbeddedQuestion } from '../domain/cache-question.js';
export type { EmbeddingEnd, EmbeddingWatch } from './embedder.js';

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
  | {
      readonly kind: 'miss';
      readonly reason: string;
      readonly similarity: number | null;
      /** What a remote embedder made of the question: to be stored with the answer, so that it is paid for once. */
      readonly embedded?: EmbeddedQuestion;
    };

/** What to append as `content.stored`; `null` when this answer must not be stored, with the reason. */
export type StoreDecision =
  { readonly store: true; readonly event: ContentStored } | { readonly store: false; readonly reason: string };

export interface SemanticCache {
  /** `null` when this request can neither be served from nor stored in the cache; the reason is for the receipt. */
  keyOf(question: CacheQuestion): { readonly key: CacheKey } | { readonly key: null; readonly reason: string };
  /**
   * Never rejects, never takes longer than its time box: any doubt or fault is a miss with a reason.
   * @param watch told of a call to a remote embedder; it may end after the look-up has given up on it.
   */
  lookUp(question: CacheQuestion, key: CacheKey, watch?: EmbeddingWatch): Promise<CacheLookup>;
  /** Seals an answer for the log. The indexer puts it into the index when it reads the event back. */
  decideStore(question: CacheQuestion, key: CacheKey, receiptId: string, content: CacheContent): StoreDecision;
}
