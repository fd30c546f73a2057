import { isAside, servedAttempt, type AttemptLine, type CostStatus, type UsageSource } from '#events/domain/attempt.js';
import { addMeters, type Meters } from '#events/domain/meters.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { RequestAccepted, ResponseCompleted } from '#events/domain/router-event.js';

/** All that a receipt is made of: who asked, what was tried, how it ended. */
export interface ReceiptParts {
  readonly accepted: RequestAccepted;
  readonly attempts: readonly AttemptLine[];
  readonly response: ResponseCompleted;
  readonly errorCode: string | null;
  readonly sealedAt: string;
  readonly timeToFirstTokenMs: number | null;
  readonly overheadUs: number;
  /** What the same usage would have cost at the baseline model; `null` = none, or unpriced. */
  readonly baselinePicoUsd: bigint | null;
  /** What a cache hit saved, picodollars; `null` = unknown. */
  readonly avoidedPicoUsd: bigint | null;
}

/** Worst first: a sum is only as good as its weakest part. */
const COST_ORDER: readonly CostStatus[] = ['unpriced', 'estimated', 'provider_reported', 'exact', 'free'];
const USAGE_ORDER: readonly UsageSource[] = ['upper_bound', 'estimated', 'provider', 'none'];

const weakest = <T>(order: readonly T[], values: readonly T[], fallback: T): T =>
  order.find((candidate) => values.includes(candidate)) ?? fallback;

/** Folds the facts of one request into its receipt. Pure; sums are over all attempts, the failed ones included. */
export function sealReceipt(parts: ReceiptParts): Receipt {
  const { accepted, attempts, response } = parts;
  const served = servedAttempt(attempts) ?? null;
  const last = served ?? attempts.findLast(({ kind }) => !isAside(kind)) ?? null;
  const charged = attempts.filter((attempt) => attempt.billed !== 'no');
  const total = sumCost(charged);
  const wasted = sumCost(
    charged.filter((attempt) => attempt !== served && !(isAside(attempt.kind) && attempt.status === 'ok')),
  );
  return {
    receiptId: accepted.receiptId,
    tenantId: accepted.tenantId,
    projectId: accepted.projectId,
    apiKeyId: accepted.apiKeyId,
    userId: accepted.userId,
    traceId: accepted.traceId,
    environment: accepted.environment,
    tags: accepted.tags,
    acceptedAt: accepted.acceptedAt,
    sealedAt: parts.sealedAt,
    api: accepted.api,
    streamed: accepted.streamed,
    ...(accepted.clientRetryCount === undefined ? {} : { clientRetryCount: accepted.clientRetryCount }),
    ...(accepted.sessionId === undefined ? {} : { sessionId: accepted.sessionId }),
    requestedModel: accepted.requestedModel,
    servedModel: last?.model ?? null,
    provider: last?.provider ?? null,
    region: null,
    serviceTier: last?.serviceTier ?? null,
    status: response.status,
    httpStatus: response.httpStatus,
    errorCode: parts.errorCode,
    finishReason: response.finishReason,
    streamComplete: response.streamComplete,
    cache: accepted.cache,
    route: accepted.route,
    latencyMs: response.latencyMs,
    timeToFirstTokenMs: parts.timeToFirstTokenMs,
    overheadUs: parts.overheadUs,
    meters: sumMeters(attempts),
    usageSource: weakest(
      USAGE_ORDER,
      attempts.map((attempt) => attempt.usageSource),
      'none',
    ),
    costStatus: costStatus(charged, total),
    costPicoUsd: total === null ? null : total.toString(),
    wastedPicoUsd: wasted === null ? null : wasted.toString(),
    avoidedPicoUsd: parts.avoidedPicoUsd === null ? null : parts.avoidedPicoUsd.toString(),
    baselinePicoUsd: parts.baselinePicoUsd === null ? null : parts.baselinePicoUsd.toString(),
    ...(accepted.saltKeyId === undefined ? {} : { saltKeyId: accepted.saltKeyId }),
    requestCommitment: accepted.requestCommitment,
    responseCommitment: response.responseCommitment,
    attempts,
  };
}

/** @returns `null` as soon as one part has no price: a sum with holes is no sum. */
export function sumCost(attempts: readonly Pick<AttemptLine, 'costPicoUsd'>[]): bigint | null {
  let total = 0n;
  for (const attempt of attempts) {
    if (attempt.costPicoUsd === null) return null;
    total += BigInt(attempt.costPicoUsd);
  }
  return total;
}

export function costStatus(charged: readonly Pick<AttemptLine, 'costStatus'>[], total: bigint | null): CostStatus {
  if (total === null) return 'unpriced';
  return weakest(
    COST_ORDER,
    charged.map((attempt) => attempt.costStatus),
    'free',
  );
}

function sumMeters(attempts: readonly AttemptLine[]): Meters {
  let total: Meters = {};
  for (const attempt of attempts) total = addMeters(total, attempt.meters);
  return total;
}
