import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';

/** `reason` of adjustments that come from another price. They set one where there was none; others only correct. */
export const RERATED = 'rerated';

/** Cost with all corrections, as `receipts_effective` has it; `null` while neither seal nor re-rating set a price. */
export function effectiveCost(
  receipt: Pick<Receipt, 'costPicoUsd'>,
  adjustments: readonly Pick<ReceiptAdjusted, 'deltaPicoUsd' | 'reason'>[],
): bigint | null {
  if (receipt.costPicoUsd === null && !adjustments.some(({ reason }) => reason === RERATED)) return null;
  return sumDeltas(adjustments) + BigInt(receipt.costPicoUsd ?? '0');
}

export function sumDeltas(adjustments: readonly Pick<ReceiptAdjusted, 'deltaPicoUsd'>[]): bigint {
  return adjustments.reduce((total, { deltaPicoUsd }) => total + BigInt(deltaPicoUsd), 0n);
}
