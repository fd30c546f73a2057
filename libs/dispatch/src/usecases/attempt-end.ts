import type { AttemptStatus, Billed } from '#events/domain/attempt.js';
import type { AttemptFailure } from '../domain/attempt-failure.js';
import { estimateAnswerMeters } from '../domain/estimated-usage.js';
import { trustUsage } from '../domain/trusted-usage.js';
import type { AttemptOutcome } from '../ports/dispatcher.js';
import type { ResponseHeaders } from '../ports/upstream-transport.js';
import type { AnswerFacts } from './answer-reader.js';
import type { AttemptCall } from './attempt-call.js';

/** How one attempt ended; the dispatch decides what follows. */
export type AttemptEnd =
  | { readonly kind: 'answered'; readonly outcome: AttemptOutcome; readonly body: Uint8Array | null }
  /** Before the commit point. */
  | { readonly kind: 'failed'; readonly outcome: AttemptOutcome; readonly failure: AttemptFailure }
  /** After the commit point. */
  | { readonly kind: 'truncated'; readonly outcome: AttemptOutcome; readonly failure: AttemptFailure }
  /** Nobody waits any more: the client left or reads nothing, or another attempt was faster. */
  | { readonly kind: 'aborted'; readonly outcome: AttemptOutcome }
  /** The intent could not be recorded, so nothing was sent. */
  | { readonly kind: 'not_recorded'; readonly error: unknown };

/** Who started an attempt and is told of its course. */
export interface AttemptOwner {
  /** Its content is the answer: no other attempt may give any. */
  attemptCommitted(n: number): void;
  /** Exactly once. */
  attemptEnded(n: number, end: AttemptEnd): void;
}

/** What is measured of an attempt when it ends. */
export interface AttemptMeasures {
  readonly startedAt: string;
  readonly latencyMs: number;
  readonly timeToFirstTokenMs: number | null;
  readonly httpStatus: number;
  readonly headers: ResponseHeaders;
}

const NONE = { meters: {}, usageSource: 'none', usageFlags: [], usageRaw: null, providerCostPicoUsd: null } as const;

/**
 * The record of an ended attempt, `movedOn` still open. Usage is the provider's when it sent any; where content came
 * without it, an estimate.
 * @param whole the answer was read to its end, whoever got it.
 */
export function describeAttempt(
  call: AttemptCall,
  measures: AttemptMeasures,
  facts: AnswerFacts | null,
  status: AttemptStatus,
  billed: Billed,
  errorCode: string | null,
  whole = status === 'ok',
): AttemptOutcome {
  const { adapter } = call.provider;
  return {
    n: call.n,
    kind: call.kind,
    provider: call.provider.name,
    model: call.model,
    credentialId: call.credential.id,
    providerRequestId: measures.httpStatus === 0 ? null : adapter.requestId(measures.headers, facts?.id ?? null),
    serviceTier: facts?.serviceTier ?? null,
    status,
    httpStatus: measures.httpStatus,
    errorCode,
    movedOn: null,
    startedAt: measures.startedAt,
    latencyMs: measures.latencyMs,
    timeToFirstTokenMs: measures.timeToFirstTokenMs,
    billed,
    ...usageOf(call, facts, whole),
    finishReason: facts?.finishReason ?? null,
  };
}

type Usage = Pick<AttemptOutcome, 'meters' | 'usageSource' | 'usageFlags' | 'usageRaw' | 'providerCostPicoUsd'>;

function usageOf(call: AttemptCall, facts: AnswerFacts | null, whole: boolean): Usage {
  if (facts === null) return NONE;
  if (facts.usage !== null) {
    const reading = call.provider.adapter.readUsage(facts.usage);
    return {
      ...trustUsage(reading, estimateAnswerMeters(call.request.body, facts.deliveredChars), whole),
      usageRaw: reading.raw,
      providerCostPicoUsd: reading.providerCostPicoUsd,
    };
  }
  if (!whole && facts.deliveredChars === 0) return NONE;
  return {
    ...NONE,
    meters: estimateAnswerMeters(call.request.body, facts.deliveredChars),
    usageSource: 'estimated',
    usageFlags: whole ? ['usage_missing'] : ['usage_missing', 'incomplete_answer'],
  };
}
