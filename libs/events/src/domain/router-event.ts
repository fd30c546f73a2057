import type { AttemptKind, AttemptLine } from './attempt.js';
import type { PicoText } from './money.js';
import type { Receipt } from './receipt.js';
import type { Topic } from './topics.js';

/** Who asked what under which policy. Durable before a byte goes upstream. */
export interface RequestAccepted {
  readonly receiptId: string;
  readonly tenantId: string;
  readonly projectId: string;
  readonly apiKeyId: string;
  readonly userId: string;
  readonly traceId: string;
  readonly environment: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly acceptedAt: string;
  readonly api: Receipt['api'];
  readonly streamed: boolean;
  readonly clientRetryCount?: number;
  readonly sessionId?: string;
  readonly requestedModel: string;
  /** As on the receipt. */
  readonly saltKeyId?: string;
  readonly requestCommitment: string;
  readonly cache: Receipt['cache'];
  readonly route: Receipt['route'];
  /** The whole route decision (`RoutePlan` of `routing`), shown by `explain`. */
  readonly decision: unknown;
}

/** The intent to call upstream. Handed to the operating system before the call. */
export interface AttemptStarted {
  readonly receiptId: string;
  readonly n: number;
  readonly kind: AttemptKind;
  readonly provider: string;
  readonly model: string;
  readonly credentialId: string;
  readonly startedAt: string;
}

/** An upstream call ended, well or badly. */
export interface AttemptFinished extends AttemptLine {
  readonly receiptId: string;
}

/** The client has its answer, or never will. */
export interface ResponseCompleted {
  readonly receiptId: string;
  readonly status: Receipt['status'];
  readonly httpStatus: number;
  readonly finishReason: string | null;
  readonly streamComplete: boolean | null;
  readonly latencyMs: number;
  readonly responseCommitment: string | null;
}

/** A correction to a sealed receipt: late usage, new price, invoice. */
export interface ReceiptAdjusted {
  readonly receiptId: string;
  readonly tenantId: string;
  /** From 1 within a receipt. */
  readonly seq: number;
  /** As whoever corrects says it; may be in the past. */
  readonly adjustedAt: string;
  /**
   * When it came into the log, by the clock of the process that wrote it: the month that it is booked in. Absent on
   * older events.
   */
  readonly bookedAt?: string;
  readonly deltaPicoUsd: PicoText;
  readonly reason: string;
  readonly evidence: string;
}

/** An answer for the cache and for replay. Text only inside `sealed`. */
export interface ContentStored {
  readonly receiptId: string;
  readonly tenantId: string;
  readonly subject: string;
  /** Names the key of `sealed`: `<subject>/<version>`. */
  readonly keyId: string;
  readonly storedAt: string;
  readonly expiresAt: string;
  /** Hash over all that must match exactly, hex; see `semantic-cache/domain/cache-scope.ts`. */
  readonly scope: string;
  readonly epoch: number;
  /** AES-256-GCM, base64: iv(12) ‖ tag(16) ‖ ciphertext of a JSON `CacheContent`. */
  readonly sealed: string;
}

export interface CacheInvalidated {
  readonly tenantId: string;
  /** One entry, one scope or, with neither, the tenant's whole cache. */
  readonly receiptId: string | null;
  readonly scope: string | null;
  readonly invalidatedAt: string;
  readonly reason: string;
}

export interface KeyLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrent?: number;
}

export interface ApiKeyCreated {
  readonly keyId: string;
  readonly name: string;
  readonly tenantId: string;
  readonly projectId: string;
  /** sha256 of the whole key text, hex. The key itself is nowhere. */
  readonly digest: string;
  /** Patterns of models it may call; empty = all. */
  readonly models: readonly string[];
  readonly limits: KeyLimits;
  /** Spend in total, US dollars as decimal text; `null` = none set. */
  readonly budgetUsd: string | null;
  readonly createdAt: string;
}

export interface ApiKeyRevoked {
  readonly keyId: string;
  readonly revokedAt: string;
  readonly reason: string;
}

export interface PricePublished {
  readonly priceId: string;
  readonly priceHash: string;
  /** The exact bytes that were hashed. */
  readonly record: string;
  readonly publishedAt: string;
}

export interface PolicyPublished {
  readonly policyHash: string;
  readonly policy: string;
  readonly publishedAt: string;
}

export interface SubjectErased {
  readonly tenantId: string;
  readonly subject: string;
  readonly erasedAt: string;
}

export interface CheckpointPublished {
  readonly origin: string;
  readonly note: string;
}

/** The closed catalogue: CloudEvents type → its data. `docs/events.md` says who writes and reads each. */
export interface EventData {
  'nextmodel.request.accepted.v1': RequestAccepted;
  'nextmodel.attempt.started.v1': AttemptStarted;
  'nextmodel.attempt.finished.v1': AttemptFinished;
  'nextmodel.response.completed.v1': ResponseCompleted;
  'nextmodel.receipt.sealed.v1': Receipt;
  'nextmodel.receipt.adjusted.v1': ReceiptAdjusted;
  'nextmodel.content.stored.v1': ContentStored;
  'nextmodel.cache.invalidated.v1': CacheInvalidated;
  'nextmodel.apikey.created.v1': ApiKeyCreated;
  'nextmodel.apikey.revoked.v1': ApiKeyRevoked;
  'nextmodel.price.published.v1': PricePublished;
  'nextmodel.policy.published.v1': PolicyPublished;
  'nextmodel.subject.erased.v1': SubjectErased;
  'nextmodel.checkpoint.published.v1': CheckpointPublished;
}

export type EventType = keyof EventData;

/** The topic that each type belongs to. */
export const EVENT_TOPIC: { readonly [T in EventType]: Topic } = {
  'nextmodel.request.accepted.v1': 'nextmodel.requests',
  'nextmodel.attempt.started.v1': 'nextmodel.requests',
  'nextmodel.attempt.finished.v1': 'nextmodel.responses',
  'nextmodel.response.completed.v1': 'nextmodel.responses',
  'nextmodel.receipt.sealed.v1': 'nextmodel.receipts',
  'nextmodel.receipt.adjusted.v1': 'nextmodel.receipts',
  'nextmodel.content.stored.v1': 'nextmodel.content',
  'nextmodel.cache.invalidated.v1': 'nextmodel.content',
  'nextmodel.apikey.created.v1': 'nextmodel.control',
  'nextmodel.apikey.revoked.v1': 'nextmodel.control',
  'nextmodel.price.published.v1': 'nextmodel.control',
  'nextmodel.policy.published.v1': 'nextmodel.control',
  'nextmodel.subject.erased.v1': 'nextmodel.control',
  'nextmodel.checkpoint.published.v1': 'nextmodel.checkpoints',
};

/** A decoded event with its CloudEvents attributes. */
export type RouterEvent = {
  [T in EventType]: {
    readonly type: T;
    /** Unique per fact and the same when the fact is written twice: `<receipt_id>/sealed`, `<receipt_id>:1/started`. */
    readonly id: string;
    readonly source: string;
    /** ISO 8601 with milliseconds. */
    readonly time: string;
    readonly data: EventData[T];
  };
}[EventType];
