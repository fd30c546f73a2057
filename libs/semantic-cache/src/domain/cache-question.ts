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
  /** The question's vector, when a remote embedder was paid for it. */
  readonly embedded?: EmbeddedQuestion;
}

export interface EmbeddedQuestion {
  readonly embedderId: string;
  /** base64 of little-endian 32-bit floats, unit length. */
  readonly vector: string;
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
