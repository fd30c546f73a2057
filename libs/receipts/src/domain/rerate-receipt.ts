import type { AttemptLine, PricedAttempt } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { effectiveCost, RERATED, sumDeltas } from './effective-cost.js';
import { isFromBooks } from './generation-drift.js';
import { sumCost } from './seal-receipt.js';

/** What a price book says to one attempt of a receipt. */
export type PriceAgain = (receipt: Receipt, attempt: AttemptLine) => PricedAttempt;

export interface RerateResult {
  /** Cost with all corrections so far; `null` = unpriced. */
  readonly before: bigint | null;
  /** The same at the other prices; `null` = still unpriced, and nothing is written. */
  readonly after: bigint | null;
  /** The event to append; `null` when nothing changes. */
  readonly adjustment: Omit<ReceiptAdjusted, 'adjustedAt'> | null;
  /** Hashes of the price records that were used. */
  readonly priceHashes: readonly string[];
}

/**
 * Prices the meters of a receipt again. The difference goes into an adjustment; corrections for other reasons (late
 * usage, an invoice) stay as they are. Idempotent: with its own adjustment the same prices give none.
 * What the provider's own books said it cost stands: no price of ours is nearer to that.
 * An attempt whose usage nobody knows stays unpriced: a price alone makes no amount.
 */
export function rerateReceipt(
  receipt: Receipt,
  adjustments: readonly ReceiptAdjusted[],
  priceAgain: PriceAgain,
): RerateResult {
  const before = effectiveCost(receipt, adjustments);
  if (adjustments.some(isFromBooks)) return { before, after: before, adjustment: null, priceHashes: [] };
  const charged = receipt.attempts.filter(({ billed }) => billed !== 'no');
  const priced = charged.map((attempt) => ({ attempt, now: priceOrKeep(receipt, attempt, priceAgain) }));
  const total = sumCost(priced.map(({ now }) => now));
  const priceHashes = priced.flatMap(({ now }) => now.priceHash ?? []);
  if (total === null) return { before, after: null, adjustment: null, priceHashes };
  const others = adjustments.filter(({ reason }) => reason !== RERATED);
  const after = total + sumDeltas(others);
  const delta = after - (BigInt(receipt.costPicoUsd ?? '0') + sumDeltas(adjustments));
  if (before !== null && delta === 0n) return { before, after, adjustment: null, priceHashes };
  const adjustment = {
    receiptId: receipt.receiptId,
    tenantId: receipt.tenantId,
    seq: (adjustments.at(-1)?.seq ?? 0) + 1,
    deltaPicoUsd: delta.toString(),
    reason: RERATED,
    evidence: JSON.stringify({
      from: priced.map(({ attempt }) => shown(attempt.n, attempt)),
      to: priced.map(({ attempt, now }) => shown(attempt.n, now)),
    }),
  };
  return { before, after, adjustment, priceHashes };
}

function priceOrKeep(receipt: Receipt, attempt: AttemptLine, priceAgain: PriceAgain): PricedAttempt {
  return attempt.usageSource === 'none' && attempt.costPicoUsd === null ? attempt : priceAgain(receipt, attempt);
}

function shown(n: number, priced: PricedAttempt): Readonly<Record<string, unknown>> {
  const { costPicoUsd, priceHash, currency, fxRateNano, fxDate } = priced;
  return { n, costPicoUsd, priceHash, ...(currency === 'USD' ? {} : { currency, fxRateNano, fxDate }) };
}
