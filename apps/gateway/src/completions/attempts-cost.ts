import { servedAttempt, type AttemptLine } from '#events/domain/attempt.js';
import type { UsageCost } from '#openai-wire/domain/usage-view.js';
import { costStatus, sumCost } from '#receipts/domain/seal-receipt.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import type { LedgerParts } from './ledger-parts.js';
import type { RequestContext } from './request-context.js';
import { supposedCost } from './supposed-cost.js';

/** What the attempts cost together. @param avoidedPicoUsd `null` = not known. */
export function attemptsCost(lines: readonly AttemptLine[], avoidedPicoUsd: bigint | null): UsageCost {
  const charged = lines.filter((line) => line.billed !== 'no');
  const picoUsd = sumCost(charged);
  const last = charged.at(-1);
  // A sum in a foreign currency only stands while all its parts are in it.
  const native = charged.every((line) => line.currency === last?.currency) ? sumNative(charged) : null;
  return {
    costPicoUsd: picoUsd === null ? null : picoUsd.toString(),
    costStatus: costStatus(charged, picoUsd),
    currency: last?.currency ?? 'USD',
    costNativePico: native,
    avoidedPicoUsd: avoidedPicoUsd === null ? null : avoidedPicoUsd.toString(),
  };
}

/** The answer's usage at the price of the model that `auto` would have used without looking; `null` = not known. */
export function baselineCost(
  parts: Pick<LedgerParts, 'prices' | 'registry'>,
  context: RequestContext,
  plan: RoutePlan | null,
  lines: readonly AttemptLine[],
): bigint | null {
  const target = plan?.baseline;
  const served = servedAttempt(lines);
  if (target === undefined || served === undefined) return null;
  return supposedCost(parts, context, target, served);
}

/** The sum in the currency of the lines; `null` as soon as one has no price. */
function sumNative(lines: readonly AttemptLine[]): string | null {
  let total = 0n;
  for (const line of lines) {
    if (line.costNativePico === null) return null;
    total += BigInt(line.costNativePico);
  }
  return total.toString();
}
