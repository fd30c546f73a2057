import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';

/** Cost with all corrections, as `receipts_effective` has it; `null` while there is neither price nor correction. */
export function effectiveCost(
  receipt: Pick<Receipt, 'costPicoUsd'>,
  adjustments: readonly Pick<ReceiptAdjusted, 'deltaPicoUsd'>[],
): bigint | null {
  if (receipt.costPicoUsd === null && adjustments.length === 0) return null;
  return sumDeltas(adjustments) + BigInt(receipt.costPicoUsd ?? '0');
}

export function sumDeltas(adjustments: readonly Pick<ReceiptAdjusted, 'deltaPicoUsd'>[]): bigint {
  return adjustments.reduce((total, { deltaPicoUsd }) => total + BigInt(deltaPicoUsd), 0n);
}
