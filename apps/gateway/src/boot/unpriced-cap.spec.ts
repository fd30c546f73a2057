import { expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import { createSystemClock } from '#events/events.module.js';
import type { PriceBook } from '#pricing/ports/price-book.js';
import { createUnpricedCap } from './unpriced-cap.js';

const prices = { ceiling: () => ({ inputPicoUsd: 3n, outputPicoUsd: 10n }) } as unknown as PriceBook;
const receipt = {
  attempts: [
    { billed: 'no', costPicoUsd: null, meters: { input_uncached: 1_000 } },
    { billed: 'yes', costPicoUsd: '7', meters: { input_uncached: 1_000 } },
    { billed: 'unknown', costPicoUsd: null, meters: { input_uncached: 5, input_cache_read: 5, output_reasoning: 2 } },
  ],
} as unknown as Receipt;

it('counts every attempt that may have been billed: at its cost, or at the dearest rates known', () => {
  expect(createUnpricedCap('cap', prices, createSystemClock()).ofReceipt(receipt)).toBe(7n + 30n + 20n);
});

it.each(['allow', 'block'] as const)('counts nothing with %s', (unpriced) => {
  const cap = createUnpricedCap(unpriced, prices, createSystemClock());

  expect([cap.ofTokens, cap.ofReceipt(receipt)]).toEqual([null, 0n]);
});
