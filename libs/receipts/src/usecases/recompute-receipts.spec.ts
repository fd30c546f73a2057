import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { parsePriceRecord } from '#pricing/domain/price-record.js';
import { GENERATED_PRICES, generateReceipts } from '../__fixtures__/generated-receipts.js';
import { recomputeReceipt } from '../domain/recompute-attempt.js';

/** A million when asked for; a twentieth of it takes two seconds. */
const COUNT = Number(process.env['RECOMPUTE_COUNT'] ?? 50_000);
const records = new Map(
  GENERATED_PRICES.map((text) => [createHash('sha256').update(text).digest('hex'), parsePriceRecord(text)]),
);
const more = (text: string | null): string => (BigInt(text ?? '0') + 1n).toString();
const recordOf = (hash: string) => records.get(hash) ?? null;

it(`computes ${COUNT} generated receipts again without a difference`, { timeout: 600_000 }, () => {
  let [receipts, priced, mismatches] = [0, 0, 0];

  for (const receipt of generateReceipts({ seed: 11, count: COUNT, endMs: Date.UTC(2026, 10, 20), days: 90 })) {
    receipts += 1;
    priced += receipt.attempts.filter(({ priceHash }) => priceHash !== null).length;
    mismatches += recomputeReceipt(receipt, recordOf).length;
  }

  expect(receipts).toBe(COUNT);
  expect(priced).toBeGreaterThan(COUNT / 2);
  expect(mismatches).toBe(0);
});

it('finds a picodollar more anywhere: on a line, an attempt or the receipt', () => {
  const receipt = [...generateReceipts({ seed: 11, count: 50, endMs: Date.UTC(2026, 10, 20), days: 1 })].find(
    ({ attempts, costPicoUsd }) => attempts.length === 1 && attempts[0]?.lines.length && costPicoUsd !== null,
  );
  const attempt = receipt?.attempts[0];
  const line = attempt?.lines[0];
  if (receipt === undefined || attempt === undefined || line === undefined) throw new Error('the generator makes some');
  const withLine = (change: object) => ({
    ...receipt,
    attempts: [{ ...attempt, lines: [{ ...line, ...change }, ...attempt.lines.slice(1)] }],
  });

  const found = [
    { ...receipt, costPicoUsd: more(receipt.costPicoUsd) },
    { ...receipt, attempts: [{ ...attempt, costNativePico: more(attempt.costNativePico) }] },
    withLine({ amountPico: more(line.amountPico) }),
    withLine({ ratePico: more(line.ratePico) }),
    withLine({ quantity: line.quantity + 1 }),
  ].map((changed) => recomputeReceipt(changed, recordOf).length);

  expect(found.every((count) => count > 0)).toBe(true);
});
