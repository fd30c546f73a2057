import type { PriceSettings } from '#config/domain/settings.js';
import { inputTokens, outputTokens } from '#events/domain/meters.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { Clock } from '#events/ports/clock.js';
import type { PriceBook } from '#pricing/ports/price-book.js';

/** `unpriced: cap`: what has no price counts for limits and budgets as the dearest model known would. */
export interface UnpricedCap {
  /** Before a call; `null` = unpriced targets count nothing, or are blocked. */
  readonly ofTokens: ((inputTokens: number, outputTokens: number) => bigint) | null;
  /** After it: a receipt without a cost. The receipt itself stays unpriced. */
  readonly ofReceipt: (receipt: Receipt) => bigint;
}

export function createUnpricedCap(unpriced: PriceSettings['unpriced'], prices: PriceBook, clock: Clock): UnpricedCap {
  if (unpriced !== 'cap') return { ofTokens: null, ofReceipt: () => 0n };
  const ofTokens = (input: number, output: number): bigint => {
    const { inputPicoUsd, outputPicoUsd } = prices.ceiling(clock.nowMs());
    return BigInt(input) * inputPicoUsd + BigInt(output) * outputPicoUsd;
  };
  return {
    ofTokens,
    ofReceipt: ({ attempts }) => {
      let picoUsd = 0n;
      for (const { billed, costPicoUsd, meters } of attempts) {
        if (costPicoUsd !== null) picoUsd += BigInt(costPicoUsd);
        else if (billed !== 'no') picoUsd += ofTokens(inputTokens(meters), outputTokens(meters));
      }
      return picoUsd;
    },
  };
}
