import type { ChatRequest } from '#openai-wire/domain/chat-request.js';

/** What is stored of an answer; the plain text of `sealed`. One canonical form serves streams and non-streams. */
export interface CacheContent {
  /** Last user turn as it was asked. */
  readonly question: string;
  /** sha256 of the canonical request, hex: equality = the exact tier. */
  readonly exactHash: string;
  /** The non-streamed answer (`chat.completion` object), usage included. */
  readonly answer: Readonly<Record<string, unknown>>;
  readonly provider: string;
  readonly model: string;
  /** What it cost, so that a hit can say what it saved; `null` = unpriced. */
  readonly costPicoUsd: string | null;
}

/** Everything the cache needs to know of a request. */
export interface CacheQuestion {
  readonly tenantId: string;
  readonly body: ChatRequest;
  /** Alias or model after routing, and the policy it was resolved under. */
  readonly resolvedModel: string;
  readonly policyHash: string;
  /** Parsed `x-nextmodel-cache`. */
  readonly control: CacheControl;
  readonly policy: CachePolicy;
  readonly nowMs: number;
}

export interface CacheControl {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeSeconds: number | null;
  readonly semanticOff: boolean;
}

export interface CachePolicy {
  readonly exact: boolean;
  readonly semantic: boolean;
  /** Tolerated share of wrong hits; picks the verifier's threshold. */
  readonly maxError: number;
  readonly ttlSeconds: number;
}

/** The keys of one request; made once, used for look-up, single-flight and storing. */
export interface CacheKey {
  readonly scope: string;
  /** Id of the entry, and what equal requests share in flight. */
  readonly id: string;
  readonly exactHash: string;
  readonly question: string;
  /** May this request be matched by normal form, by meaning? With the reason when not. */
  readonly normalisable: boolean;
  readonly semantic: boolean;
  readonly semanticRefusal: string | null;
  readonly epoch: number;
}

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
  | { readonly store: true; readonly event: import('#events/domain/router-event.js').ContentStored }
  | { readonly store: false; readonly reason: string };

export interface SemanticCache {
  /** `null` when this request can neither be served from nor stored in the cache; the reason is for the receipt. */
  keyOf(question: CacheQuestion): { readonly key: CacheKey } | { readonly key: null; readonly reason: string };
  /** Never rejects, never takes longer than its time box: any doubt or fault is a miss with a reason. */
  lookUp(question: CacheQuestion, key: CacheKey): Promise<CacheLookup>;
  /** Seals an answer for the log. The indexer puts it into the index when it reads the event back. */
  decideStore(question: CacheQuestion, key: CacheKey, receiptId: string, content: CacheContent): StoreDecision;
}
export const SEMANTIC_CACHE = Symbol('SemanticCache');
