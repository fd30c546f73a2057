import type { AttemptLine, PricedAttempt } from '#events/domain/attempt.js';
import type { AttemptOutcome } from '#dispatch/ports/dispatcher.js';

/** An upstream call as it stands on the receipt: what happened, and what it cost. */
export function toAttemptLine(outcome: AttemptOutcome, priced: PricedAttempt): AttemptLine {
  return {
    n: outcome.n,
    kind: outcome.kind,
    provider: outcome.provider,
    model: outcome.model,
    credentialId: outcome.credentialId,
    providerRequestId: outcome.providerRequestId,
    serviceTier: outcome.serviceTier,
    status: outcome.status,
    httpStatus: outcome.httpStatus,
    errorCode: outcome.errorCode,
    movedOn: outcome.movedOn,
    startedAt: outcome.startedAt,
    latencyMs: outcome.latencyMs,
    timeToFirstTokenMs: outcome.timeToFirstTokenMs,
    billed: outcome.billed,
    meters: outcome.meters,
    usageSource: outcome.usageSource,
    usageFlags: outcome.usageFlags,
    usageRaw: outcome.usageRaw,
    providerCostPicoUsd: outcome.providerCostPicoUsd,
    ...priced,
  };
}
