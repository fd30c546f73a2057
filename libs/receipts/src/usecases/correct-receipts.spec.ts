import { describe, expect, it } from 'vitest';
import type { MeterLine, PricedAttempt } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { parsePriceRecord } from '#pricing/domain/price-record.js';
import { priceUsage, US_DOLLAR } from '#pricing/domain/price-usage.js';
import { createHash } from 'node:crypto';
import { adjustedRecord, ArrayLog, sealedRecord } from '../__fixtures__/array-log.js';
import { GENERATED_PRICES, generateReceipts } from '../__fixtures__/generated-receipts.js';
import { effectiveCost } from '../domain/effective-cost.js';
import type { PriceAgain } from '../domain/rerate-receipt.js';
import { recomputeReceipts } from './recompute-receipts.js';
import { rerateReceipts, type RerateRow } from './rerate-receipts.js';
import { scanReceipts, type ScannedReceipt } from './scan-receipts.js';

const END_MS = Date.UTC(2026, 10, 24);
const DAYS = 30;
const ALL = { fromMs: 0, toMs: END_MS + 1 };
const AT = '2026-11-25T00:00:00.000Z';
const texts = new Map(GENERATED_PRICES.map((text) => [createHash('sha256').update(text).digest('hex'), text] as const));

function logOf(count: number, change: (receipt: Receipt) => Receipt = (receipt) => receipt): ArrayLog {
  const log = new ArrayLog();
  for (const receipt of generateReceipts({ seed: 7, count, endMs: END_MS, days: DAYS })) {
    log.append(0, sealedRecord(change(receipt)));
  }
  return log;
}

/** One dollar for a million of anything, at any model. */
const oneDollar: PriceAgain = (_receipt, attempt): PricedAttempt => {
  const record = parsePriceRecord(GENERATED_PRICES[0] ?? '')!;
  const rates = { input_uncached: '1000000', input_cache_read: '1000000', output_text: '1000000' };
  return priceUsage({ ...record, rates }, 'new', attempt.meters, null, true, US_DOLLAR);
};

async function rerate(log: ArrayLog, write: boolean, window = ALL): Promise<readonly RerateRow[]> {
  const append = (adjustments: readonly ReceiptAdjusted[]): Promise<void> => {
    log.append(0, ...adjustments.map(adjustedRecord));
    return Promise.resolve();
  };
  return rerateReceipts({ reader: log, window, priceAgain: oneDollar, adjustedAt: AT, ...(write ? { append } : {}) });
}
async function scanned(log: ArrayLog): Promise<readonly ScannedReceipt[]> {
  const found: ScannedReceipt[] = [];
  for await (const one of scanReceipts(log, ALL)) found.push(one);
  return found;
}
const sum = (rows: readonly RerateRow[], name: 'receipts' | 'changed' | 'newlyPriced' | 'stillUnpriced'): number =>
  rows.reduce((total, row) => total + row[name], 0);

describe('re-rating', () => {
  it('writes differences as adjustments, edits nothing, and a second run writes nothing', async () => {
    const log = logOf(500);
    const before = (await log.bounds('', 0)).head;

    const dry = await rerate(log, false);
    const untouched = (await log.bounds('', 0)).head;
    const first = await rerate(log, true);
    const second = await rerate(log, true);

    expect(untouched).toBe(before);
    expect(first).toEqual(dry);
    expect(sum(first, 'changed')).toBeGreaterThan(300);
    expect(sum(first, 'newlyPriced')).toBeGreaterThan(0);
    expect(sum(second, 'changed')).toBe(0);
    expect((await log.bounds('', 0)).head).toBe(before + BigInt(sum(first, 'changed')));
    for await (const { receipt, adjustments } of scanReceipts(log, ALL)) {
      const tokens = receipt.attempts.reduce(
        (total, { meters }) => total + Object.values(meters).reduce((all, quantity) => all + quantity, 0),
        0,
      );
      expect(effectiveCost(receipt, adjustments)).toBe(BigInt(tokens) * 1_000_000n);
    }
  });

  it('touches only its period', async () => {
    const log = logOf(300);
    const window = { fromMs: END_MS - 5 * 86_400_000, toMs: END_MS };

    const rows = await rerate(log, true, window);

    expect(sum(rows, 'receipts')).toBeGreaterThan(30);
    expect(sum(rows, 'receipts')).toBeLessThan(80);
    for await (const { receipt, adjustments } of scanReceipts(log, { ...ALL, toMs: window.fromMs })) {
      expect([receipt.receiptId, adjustments]).toEqual([receipt.receiptId, []]);
    }
  });

  it('leaves corrections for other reasons as they are', async () => {
    const log = logOf(1, (receipt) => ({ ...receipt, cache: { ...receipt.cache, result: 'miss' } }));
    const [only] = await scanned(log);
    const { receiptId, tenantId } = only!.receipt;
    const late = { receiptId, tenantId, seq: 1, adjustedAt: AT, deltaPicoUsd: '5', reason: 'late_usage', evidence: '' };
    log.append(0, adjustedRecord(late), adjustedRecord({ ...late, deltaPicoUsd: '999' }));

    await rerate(log, true);
    await rerate(log, true);

    const [again] = await scanned(log);
    expect(again?.adjustments.map(({ seq, reason }) => [seq, reason])).toEqual([
      [1, 'late_usage'],
      [2, 'rerated'],
    ]);
    expect(Number(effectiveCost(again!.receipt, again!.adjustments)) % 1_000_000).toBe(5);
  });

  it('makes no amount of a price where nobody knows the usage', async () => {
    const lost = { costPicoUsd: null, usageSource: 'none', billed: 'unknown', meters: {}, lines: [] } as const;
    const log = logOf(40, (receipt) => ({
      ...receipt,
      costPicoUsd: null,
      attempts: receipt.attempts.map((attempt) => ({ ...attempt, ...lost })),
    }));

    const rows = await rerate(log, true);

    expect(sum(rows, 'stillUnpriced')).toBeGreaterThan(25);
  });
});

describe('recomputing', () => {
  it('finds no mismatch in what was generated', async () => {
    const result = await recomputeReceipts(logOf(2_000), ALL, (hash) => texts.get(hash) ?? null);

    expect(result).toMatchObject({ receipts: 2_000, mismatches: 0, shown: [] });
    expect(result.priced).toBeGreaterThan(1_500);
  });

  it.each([
    ['line_amount', (line: MeterLine) => ({ ...line, amountPico: '1' })],
    ['price_differs', (line: MeterLine) => ({ ...line, ratePico: '1' })],
    ['price_differs', (line: MeterLine) => ({ ...line, quantity: 1 })],
  ])('names a changed line: %s', async (what, change) => {
    const log = logOf(50, (receipt) => ({
      ...receipt,
      attempts: receipt.attempts.map((one) => ({ ...one, lines: one.lines.map(change) })),
    }));

    const { shown } = await recomputeReceipts(log, ALL, (hash) => texts.get(hash) ?? null);

    expect(shown.map((mismatch) => mismatch.what)).toContain(what);
  });

  it('names a changed sum and a price that nobody knows', async () => {
    const log = logOf(20, (receipt) => ({ ...receipt, costPicoUsd: '1' }));

    const { shown } = await recomputeReceipts(log, ALL, () => null);

    expect(new Set(shown.map(({ what }) => what))).toEqual(new Set(['receipt_sum', 'price_unknown']));
  });
});
