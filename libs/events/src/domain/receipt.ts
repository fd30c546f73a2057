import type { AttemptLine, CostStatus, UsageSource } from './attempt.js';
import type { Meters } from './meters.js';
import type { PicoText } from './money.js';

export type ReceiptStatus =
  'ok' | 'client_error' | 'provider_error' | 'timeout' | 'truncated' | 'aborted' | 'rejected' | 'replayed' | 'unknown';

export type CacheResult = 'off' | 'miss' | 'exact' | 'semantic' | 'bypass' | 'refresh';
export type Api = 'chat.completions' | 'embeddings';

export interface ReceiptCache {
  readonly result: CacheResult;
  /** Cosine, -1 to 1; `null` unless semantic. */
  readonly similarity: number | null;
  /** The receipt whose answer was served: a hit, or a request that was sent again; else `null`. */
  readonly sourceReceiptId: string | null;
  readonly ageSeconds: number | null;
  /** Why it was no hit, or by which tier it was: `canonical`, `normal_form`, `score`, `veto:number`, … */
  readonly reason: string | null;
}

export interface ReceiptRoute {
  /** sha256 of the effective routing configuration, hex. */
  readonly policyHash: string;
  /** Name of the rule that matched; `null` when none did. */
  readonly rule: string | null;
  /** `declared_model`, `rule`, `auto:weak`, `auto:strong`, `auto:abstain`, `provider_prefix`, … */
  readonly reason: string;
  readonly task: string | null;
  /** The model that would have been used without routing; `null` when there is none to compare with. */
  readonly baselineModel: string | null;
}

/**
 * The receipt of one client request: the data of `receipt.sealed`. Immutable; corrections are `receipt.adjusted`.
 * Its exact bytes are a leaf of the transparency log.
 */
export interface Receipt {
  readonly receiptId: string;
  readonly tenantId: string;
  readonly projectId: string;
  readonly apiKeyId: string;
  /** HMAC of the caller's `user` field under the tenant's pepper, hex; empty when none was given. */
  readonly userId: string;
  /** 32 hex digits, from `traceparent` or made here. */
  readonly traceId: string;
  readonly environment: string;
  readonly tags: Readonly<Record<string, string>>;
  /** ISO 8601 with milliseconds. `acceptedAt` is the time inside `receiptId`. */
  readonly acceptedAt: string;
  readonly sealedAt: string;
  readonly api: Api;
  readonly streamed: boolean;
  /** Which try of an OpenAI SDK it was, from 0 (`x-stainless-retry-count`); absent when the client did not say. */
  readonly clientRetryCount?: number;
  /** What the client said its requests belong to (`x-nextmodel-session`); absent when it did not say. */
  readonly sessionId?: string;
  readonly requestedModel: string;
  readonly servedModel: string | null;
  readonly provider: string | null;
  readonly region: string | null;
  readonly serviceTier: string | null;
  readonly status: ReceiptStatus;
  /** As sent to the client; 499 when it had gone, 0 when the process died before an answer. */
  readonly httpStatus: number;
  /** A `RouterErrorCode`; `null` on success. */
  readonly errorCode: string | null;
  readonly finishReason: string | null;
  /** `null` for non-streams; `false` when the stream ended in an error frame or was cut. */
  readonly streamComplete: boolean | null;
  readonly cache: ReceiptCache;
  readonly route: ReceiptRoute;
  readonly latencyMs: number;
  readonly timeToFirstTokenMs: number | null;
  /** Time spent in the gateway itself. */
  readonly overheadUs: number;
  /** Sum over all attempts. */
  readonly meters: Meters;
  readonly usageSource: UsageSource;
  readonly costStatus: CostStatus;
  /** Sum over all attempts; `null` when any billed attempt has no price. */
  readonly costPicoUsd: PicoText | null;
  /**
   * Part of the cost that bought no answer (failed, hedged or aborted attempts); `null` = unknown, because one of them
   * was or may have been billed and has no price.
   */
  readonly wastedPicoUsd: PicoText | null;
  /** What a cache hit saved; 0 when it was none, `null` = unknown, because the stored answer had no price. */
  readonly avoidedPicoUsd: PicoText | null;
  readonly baselinePicoUsd: PicoText | null;
  /**
   * The subject's data key that both commitments are salted with (`<subject>/2.<hex>`); destroyed by an erasure. Absent
   * on receipts of before: their salts are derived from the master key.
   */
  readonly saltKeyId?: string;
  /** sha256(salt16 ‖ body), hex: proves what was asked and answered without showing it. */
  readonly requestCommitment: string;
  readonly responseCommitment: string | null;
  readonly attempts: readonly AttemptLine[];
}
