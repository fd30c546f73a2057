import type { AttemptStarted } from '#events/domain/router-event.js';
import type { AttemptKind, AttemptStatus, Billed, UsageSource } from '#events/domain/attempt.js';
import type { ReceiptId } from '#events/domain/ids.js';
import type { Meters } from '#events/domain/meters.js';
import type { PicoText } from '#events/domain/money.js';
import type { RouterError } from '#events/domain/router-error.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import type { RoutePlan, Target } from '#routing/domain/route-plan.js';
import type { HedgeRule } from '../domain/hedge-book.js';
import type { Obstacle } from '../domain/obstacle.js';

export type { Obstacle } from '../domain/obstacle.js';

/** Limits of one request; defaults in `config`. */
export interface AttemptLimits {
  readonly attemptsMax: number;
  readonly connectTimeoutMs: number;
  /** Non-streams: until the status line. */
  readonly headersTimeoutMs: number;
  /** Streams: until the first content delta. */
  readonly firstTokenTimeoutMs: number;
  /** Between content-bearing bytes; comments and pings do not reset it. */
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
}

export interface DispatchRequest {
  readonly receiptId: ReceiptId;
  readonly api: 'chat.completions' | 'embeddings';
  readonly body: ChatRequest | EmbeddingsRequest;
  readonly streamed: boolean;
  /** Did the client itself ask for the usage chunk? */
  readonly clientWantsUsage: boolean;
  readonly plan: RoutePlan;
  readonly limits: AttemptLimits;
  /** Whose retries are bounded together: the virtual key. Absent = nobody's. */
  readonly budgetKey?: string;
  /** Tried in this order, and only after a refusal by content policy. */
  readonly policyTargets?: readonly Target[];
  /** A second call beside a slow first one, before any content; the loser is aborted. Absent = never. */
  readonly hedge?: HedgeRule;
}

/** One upstream call after it ended; unpriced. The caller prices it and makes `attempt.finished` of it. */
export interface AttemptOutcome {
  readonly n: number;
  readonly kind: AttemptKind;
  readonly provider: string;
  readonly model: string;
  readonly credentialId: string;
  readonly providerRequestId: string | null;
  readonly serviceTier: string | null;
  readonly status: AttemptStatus;
  readonly httpStatus: number;
  readonly errorCode: string | null;
  readonly movedOn: string | null;
  readonly startedAt: string;
  readonly latencyMs: number;
  readonly timeToFirstTokenMs: number | null;
  readonly billed: Billed;
  readonly meters: Meters;
  readonly usageSource: UsageSource;
  readonly usageFlags: readonly string[];
  readonly usageRaw: unknown;
  readonly providerCostPicoUsd: PicoText | null;
  readonly finishReason: string | null;
}

/** How the whole dispatch ended. */
export interface DispatchResult {
  /** `truncated`: failed after the commit point. */
  readonly status: 'ok' | 'failed' | 'truncated' | 'aborted';
  /** The attempt whose content the client got, whole or (`truncated`, `aborted`) in part. */
  readonly served: AttemptOutcome | null;
  readonly attempts: readonly AttemptOutcome[];
  /** Set unless `ok`; ready to be shown with `toOpenAiError`. */
  readonly error: RouterError | null;
  readonly finishReason: string | null;
  /** Dispatch started until the first content byte. */
  readonly timeToFirstTokenMs: number | null;
}

/**
 * Where an answer goes. The gateway's client connection, a single-flight fan-out and the tests implement it.
 * Nothing is called before the commit point, so a failed attempt leaves no trace at the client.
 */
export interface AnswerSink {
  /** A whole JSON answer: status 200, the provider's bytes untouched. Called once, and nothing after it. */
  json(body: Uint8Array, attempt: AttemptOutcome): void;
  /** Commit point of a stream: the first content is there. Called once, before the first `event`. */
  streamStarted(served: { readonly provider: string; readonly model: string; readonly attempts: number }): void;
  /**
   * One SSE event's data, without `data:` and blank line: the provider's own JSON text, in order. The held-back
   * role and lifecycle frames come first. Usage chunks come with `isUsage`; the sink decides whether its client sees
   * them. `[DONE]` and errors are never given here.
   * @returns false when the client cannot take more now; dispatch then pauses until `onDrain` calls back.
   */
  event(data: string, isUsage: boolean): boolean;
  onDrain(resume: () => void): void;
}

/** What must be recorded while it happens. */
export interface AttemptRecorder {
  /**
   * Targets of the plan that could not be called when the request was dispatched, by their index; not told when there
   * are none. Comes before the first `started`. One that is free again by then may still serve a later attempt.
   */
  cutOff?(obstacles: readonly (Obstacle | null)[]): void;
  /**
   * The intent. Dispatch awaits it before a byte goes upstream.
   * A rejection (`receipt_log_unavailable`) ends the request without a call.
   */
  started(event: AttemptStarted): Promise<void> | void;
  finished(outcome: AttemptOutcome): void;
}

export interface Dispatcher {
  /**
   * Never rejects: failures are in the result. `signal` = the client has gone: abort upstream, end `aborted`. A provider
   * that bills in any case is read on for a bounded while, to learn the usage; the result comes after that.
   */
  dispatch(
    request: DispatchRequest,
    sink: AnswerSink,
    recorder: AttemptRecorder,
    signal: AbortSignal,
  ): Promise<DispatchResult>;
  /** Breaker states for `/metrics`, `/readyz` and `explain`. */
  breakers(): readonly {
    readonly target: string;
    readonly state: 'closed' | 'open' | 'half_open';
    readonly openForMs: number;
  }[];
  /** Which of these targets cannot be called now, by their index; `null` = all can. */
  obstacles(targets: readonly Target[]): readonly (Obstacle | null)[] | null;
  /** Requests under way. */
  readonly inFlight: number;
  /** Stops reading for clients that have left: the process is about to end. */
  endDrains(): void;
  /**
   * Median of the last 64 answers in milliseconds (first token for streams); `null` before the first one.
   * For the routing strategy `latency`.
   */
  latencyMsP50(provider: string, model: string): number | null;
}
