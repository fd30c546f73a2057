import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import { decimalToPico } from '#events/domain/money.js';
import { adjustedRecord, ArrayLog, sealedRecord } from '../__fixtures__/array-log.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { FOCUS_COLUMNS, type FocusRow } from '../domain/focus-rows.js';
import { closeMonth } from './close-month.js';
import { exportFocus } from './export-focus.js';
import { scanReceipts } from './scan-receipts.js';

const OCTOBER = { fromMs: Date.UTC(2026, 9), toMs: Date.UTC(2026, 10) };
const NOVEMBER = { fromMs: OCTOBER.toMs, toMs: Date.UTC(2026, 11) };
const BOTH = { fromMs: OCTOBER.fromMs, toMs: NOVEMBER.toMs };

function logOf(count: number): ArrayLog {
  const log = new ArrayLog();
  const made = generateReceipts({ seed: 3, count, endMs: Date.UTC(2026, 10, 20), days: 40, tenants: 3 });
  for (const receipt of made) log.append(0, sealedRecord(receipt));
  return log;
}

async function firstOf(log: ArrayLog): Promise<Receipt> {
  for await (const { receipt } of scanReceipts(log, OCTOBER)) return receipt;
  throw new Error('the log has no receipt of October');
}

async function adjustFirst(log: ArrayLog, adjustedAt: string, deltaPicoUsd: string, partition = 0): Promise<void> {
  const { receiptId, tenantId } = await firstOf(log);
  log.append(
    partition,
    adjustedRecord({ receiptId, tenantId, seq: 1, adjustedAt, deltaPicoUsd, reason: 'invoice', evidence: '' }),
  );
}
const corrected = (rows: readonly FocusRow[]) =>
  rows.find(({ ChargeDescription: text }) => text === 'Correction: invoice');
const exactPico = (text: string | null): bigint => decimalToPico(text ?? '0') ?? -1n;

describe('closing a month', () => {
  it('gives the same bytes again, and what is corrected later stands in the next statement', async () => {
    const log = logOf(800);
    const before = JSON.stringify(await closeMonth(log, OCTOBER));
    const november = await closeMonth(log, NOVEMBER);

    await adjustFirst(log, '2026-11-21T00:00:00.000Z', '-5');

    const after = await closeMonth(log, NOVEMBER);
    expect(JSON.stringify(await closeMonth(log, OCTOBER))).toBe(before);
    expect(after.map(({ charges }) => charges)).toEqual(november.map(({ charges }) => charges));
    expect(after.flatMap(({ adjustments }) => adjustments)).toMatchObject([
      { of_month: '2026-10', reason: 'invoice', count: 1, delta_usd: '-0.000000000005' },
    ]);
  });

  it('is not changed by a correction that claims to be older: it is booked when it comes', async () => {
    const log = logOf(800);
    const [october, november] = [await closeMonth(log, OCTOBER), await closeMonth(log, NOVEMBER)];
    const bookedAt = '2026-12-03T00:00:00.000Z';
    const adjust = (seq: number, adjustedAt: string, times: { bookedAt?: string } = {}): void => {
      const { receiptId, tenantId } = first;
      const facts = { receiptId, tenantId, seq, adjustedAt, ...times };
      log.append(0, adjustedRecord({ ...facts, deltaPicoUsd: String(-seq), reason: 'invoice', evidence: '' }));
    };
    const first = await firstOf(log);

    // Of an older writer: by the receipts before it in the log.
    adjust(1, '2026-10-02T00:00:00.000Z');
    adjust(2, '2026-10-02T00:00:00.000Z', { bookedAt });
    adjust(3, '2027-10-02T00:00:00.000Z', { bookedAt });
    adjust(4, '2026-10-02', { bookedAt: '2026-10-02T00:00:00.000Z' });

    const december = await closeMonth(log, { fromMs: NOVEMBER.toMs, toMs: Date.UTC(2027, 0) });
    const again = await closeMonth(log, NOVEMBER);
    expect(await closeMonth(log, OCTOBER)).toEqual(october);
    expect(again.map(({ charges }) => charges)).toEqual(november.map(({ charges }) => charges));
    expect(again.flatMap(({ adjustments }) => adjustments)).toMatchObject([
      { of_month: '2026-10', count: 2, delta_usd: '-0.000000000005' },
    ]);
    expect(december.flatMap(({ adjustments }) => adjustments)).toMatchObject([
      { of_month: '2026-10', count: 2, delta_usd: '-0.000000000005' },
    ]);
    const rows = await exportFocus(log, { fromMs: NOVEMBER.toMs, toMs: Date.UTC(2027, 0) });
    expect(rows.map(({ ChargePeriodStart: start }) => start)).toEqual(['2026-12-03T00:00:00Z']);
  });

  it('stays as it is for whatever corrections come after it, in whatever order they say', async () => {
    const log = logOf(60);
    const october = JSON.stringify(await closeMonth(log, OCTOBER));
    const receipts: { receiptId: string; tenantId: string }[] = [];
    for await (const { receipt } of scanReceipts(log, BOTH)) receipts.push(receipt);
    const correction = fc.record({
      at: fc.nat(receipts.length - 1),
      claimedMs: fc.integer({ min: Date.UTC(2026, 8), max: Date.UTC(2026, 11) }),
      bookedMs: fc.option(fc.integer({ min: Date.UTC(2026, 8), max: Date.UTC(2027, 1) })),
    });
    let seq = 0;

    await fc.assert(
      fc.asyncProperty(fc.array(correction, { minLength: 1, maxLength: 5 }), async (corrections) => {
        for (const { at, claimedMs, bookedMs } of corrections) {
          const { receiptId = '', tenantId = '' } = receipts[at] ?? {};
          seq += 1;
          const adjustedAt = new Date(claimedMs).toISOString();
          const times = bookedMs === null ? {} : { bookedAt: new Date(bookedMs).toISOString() };
          const facts = { receiptId, tenantId, seq, adjustedAt, ...times };
          log.append(0, adjustedRecord({ ...facts, deltaPicoUsd: '1', reason: 'rerated', evidence: '' }));
        }
        expect(JSON.stringify(await closeMonth(log, OCTOBER))).toBe(october);
      }),
      { numRuns: 25 },
    );
  });

  it('adds up to the receipts, and counts what has no price', async () => {
    const log = logOf(500);
    let cost = 0n;
    let unpriced = 0;
    for await (const { receipt } of scanReceipts(log, BOTH)) {
      cost += BigInt(receipt.costPicoUsd ?? '0');
      if (receipt.costPicoUsd === null) unpriced += 1;
    }

    const statements = [...(await closeMonth(log, OCTOBER)), ...(await closeMonth(log, NOVEMBER))];

    expect(statements.reduce((total, one) => total + exactPico(one.total_usd), 0n)).toBe(cost);
    expect(statements.reduce((total, one) => total + one.unpriced_requests, 0)).toBe(unpriced);
    expect(unpriced).toBeGreaterThan(0);
  });

  it('takes a re-rating of the month as its price, and a later one as one of the month it is made in', async () => {
    const log = new ArrayLog();
    const unpriced = [...generateReceipts({ seed: 5, count: 400, endMs: Date.UTC(2026, 9, 20), days: 2, tenants: 1 })]
      .filter(({ costPicoUsd }) => costPicoUsd === null)
      .slice(0, 3);
    for (const receipt of unpriced) log.append(0, sealedRecord(receipt));
    const rerate = (at: number, seq: number, adjustedAt: string, deltaPicoUsd: string, reason = 'rerated'): void => {
      const { receiptId = '', tenantId = '' } = unpriced[at] ?? {};
      log.append(0, adjustedRecord({ receiptId, tenantId, seq, adjustedAt, deltaPicoUsd, reason, evidence: '' }));
    };
    rerate(0, 1, '2026-10-31T23:59:59.999Z', '7');
    const october = JSON.stringify(await closeMonth(log, OCTOBER));

    rerate(1, 1, '2026-11-01T00:00:00.000Z', '11');
    rerate(1, 2, '2026-11-02T00:00:00.000Z', '1');
    rerate(2, 1, '2026-11-03T00:00:00.000Z', '5', 'invoice');

    const [closed] = await closeMonth(log, OCTOBER);
    const [later] = await closeMonth(log, NOVEMBER);
    expect(JSON.stringify(await closeMonth(log, OCTOBER))).toBe(october);
    expect(unpriced).toHaveLength(3);
    expect([closed?.unpriced_requests, closed?.total_usd]).toEqual([2, '0.000000000007']);
    expect(later?.adjustments).toMatchObject([
      { reason: 'invoice', of_month: '2026-10', count: 1, newly_priced_requests: 0 },
      { reason: 'rerated', of_month: '2026-10', count: 2, newly_priced_requests: 1, delta_usd: '0.000000000012' },
    ]);
    expect(later?.charges).toEqual([]);
  });

  it('shows what nobody knows as unknown, not as zero', async () => {
    const log = new ArrayLog();
    const [base] = [...generateReceipts({ seed: 5, count: 1, endMs: Date.UTC(2026, 9, 20), days: 1, tenants: 1 })];
    if (base === undefined) throw new Error('one receipt was asked for');
    const money = [
      { costPicoUsd: null, wastedPicoUsd: null, avoidedPicoUsd: null, servedModel: 'dark' },
      { costPicoUsd: '5', wastedPicoUsd: '3', avoidedPicoUsd: '0', servedModel: 'half' },
      { costPicoUsd: null, wastedPicoUsd: null, avoidedPicoUsd: '0', servedModel: 'half' },
    ];
    for (const [at, change] of money.entries()) {
      const receiptId = base.receiptId.slice(0, -1) + at;
      log.append(0, sealedRecord({ ...base, ...change, receiptId, status: 'unknown' }));
    }

    const [statement] = await closeMonth(log, OCTOBER);

    expect(statement?.charges).toMatchObject([
      { model: 'dark', cost_usd: null, wasted_usd: null, wasted_unknown_requests: 1, avoided_usd: null },
      { model: 'half', cost_usd: '0.000000000005', wasted_usd: '0.000000000003', wasted_unknown_requests: 1 },
    ]);
    expect(statement?.unpriced_requests).toBe(2);
  });

  it('tells native amounts by currency, and adds up dollars only', async () => {
    const log = logOf(500);
    const native = new Map<string, bigint>();
    for await (const { receipt } of scanReceipts(log, BOTH)) {
      for (const { billed, currency, costNativePico } of receipt.attempts) {
        if (billed === 'no' || costNativePico === null) continue;
        native.set(currency, (native.get(currency) ?? 0n) + BigInt(costNativePico));
      }
    }

    const statements = [...(await closeMonth(log, OCTOBER)), ...(await closeMonth(log, NOVEMBER))];

    const told = (code: string): bigint =>
      statements
        .flatMap(({ charges }) => charges)
        .reduce((total, { cost_native: amounts }) => total + exactPico(amounts[code] ?? '0'), 0n);
    expect([...native.keys()].sort()).toEqual(['CNY', 'USD']);
    expect([told('CNY'), told('USD')]).toEqual([native.get('CNY'), native.get('USD')]);
  });

  it('keeps tenants apart', async () => {
    const log = logOf(200);
    const all = await closeMonth(log, NOVEMBER);

    expect(await closeMonth(log, NOVEMBER, all[0]?.tenant_id)).toEqual([all[0]]);
  });
});

describe('the FOCUS export', () => {
  it('sums up to the receipts to the picodollar, corrections included', async () => {
    const log = logOf(500);
    await adjustFirst(log, '2026-11-21T00:00:00.000Z', '-5');
    let cost = -5n;
    for await (const { receipt } of scanReceipts(log, BOTH)) {
      for (const { billed, costPicoUsd } of receipt.attempts) if (billed !== 'no') cost += BigInt(costPicoUsd ?? '0');
    }

    const rows = await exportFocus(log, BOTH);

    expect(rows.reduce((total, row) => total + exactPico(row.EffectiveCost), 0n)).toBe(cost);
    expect(rows.length).toBeLessThan(2_000);
  });

  it('calls a correction one only beyond the month it corrects, and usage without a price of ours no usage', async () => {
    const log = logOf(500);
    // Beside the receipts of November, not behind them.
    await adjustFirst(log, '2026-10-31T23:00:00.000Z', '-5', 1);
    const same = await exportFocus(log, BOTH);
    const other = logOf(500);
    await adjustFirst(other, '2026-11-01T01:00:00.000Z', '-5', 1);

    expect(corrected(same)).toMatchObject({
      ChargeCategory: 'Adjustment',
      ChargeClass: null,
      EffectiveCost: '-0.000000000005',
    });
    expect(corrected(await exportFocus(other, BOTH))).toMatchObject({
      ChargeCategory: 'Usage',
      ChargeClass: 'Correction',
    });
    expect(same.find(({ x_CostStatus: status }) => status === 'unpriced')).toMatchObject({
      ChargeCategory: 'Adjustment',
      SkuPriceId: null,
      EffectiveCost: '0',
    });
    for (const row of same) expect([row.ChargeDescription, broken(row)]).toEqual([row.ChargeDescription, []]);
  });

  it('keeps the rules of its columns', async () => {
    const log = logOf(500);
    await adjustFirst(log, '2026-11-21T00:00:00.000Z', '-5');

    for (const row of await exportFocus(log, BOTH))
      expect([row.ChargeDescription, broken(row)]).toEqual([row.ChargeDescription, []]);
  });
});

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const NUMBER = /^-?\d+(\.\d+)?$/;
const NOT_NULL =
  'BilledCost BillingAccountId BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName ListCost ProviderName PublisherName ServiceCategory ServiceName'.split(
    ' ',
  );
const NUMERIC =
  'BilledCost ConsumedQuantity ContractedCost ContractedUnitPrice EffectiveCost ListCost ListUnitPrice PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice PricingQuantity'.split(
    ' ',
  );

/** Rules of FOCUS 1.2 that a row breaks. */
function broken(row: FocusRow): readonly string[] {
  const cell = (name: string): string | null => row[name as keyof FocusRow];
  const rules: Readonly<Record<string, boolean>> = {
    columns: JSON.stringify(Object.keys(row)) === JSON.stringify(FOCUS_COLUMNS),
    notNull: NOT_NULL.every((name) => cell(name) !== null && cell(name) !== ''),
    numbers: NUMERIC.every((name) => cell(name) === null || NUMBER.test(cell(name) ?? '')),
    times: FOCUS_COLUMNS.filter((name) => /Period(Start|End)$/.test(name)).every((name) => TIME.test(row[name] ?? '')),
    periods:
      row.ChargePeriodStart! < row.ChargePeriodEnd! &&
      row.ChargePeriodStart! >= row.BillingPeriodStart! &&
      row.ChargePeriodEnd! <= row.BillingPeriodEnd!,
    currencies: /^[A-Z]{3}$/.test(row.BillingCurrency ?? '') && /^[A-Z]{3}$/.test(row.PricingCurrency ?? ''),
    category: ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'].includes(row.ChargeCategory ?? ''),
    chargeClass: [null, 'Correction'].includes(row.ChargeClass),
    frequency: ['One-Time', 'Recurring', 'Usage-Based'].includes(row.ChargeFrequency ?? ''),
    pricingCategory: [null, 'Standard', 'Dynamic', 'Committed', 'Other'].includes(row.PricingCategory),
    usageIsPriced:
      row.ChargeCategory !== 'Usage' ||
      row.ChargeClass === 'Correction' ||
      [row.SkuPriceId, row.SkuId, row.PricingQuantity, row.PricingUnit, row.PricingCategory, row.ListUnitPrice].every(
        (value) => value !== null,
      ),
    consumedIsUsage: (row.ConsumedQuantity !== null) === (row.ChargeCategory === 'Usage' && row.ChargeClass === null),
    consumedIsPositive: row.ConsumedQuantity === null || BigInt(row.ConsumedQuantity) > 0n,
    unpricedIsBilled:
      row.ContractedUnitPrice !== null || [row.ContractedCost, row.ListCost].every((cost) => cost === row.BilledCost),
    contracted:
      row.ContractedUnitPrice === null ||
      product(row.ContractedUnitPrice, row.PricingQuantity!) === scaled(row.ContractedCost!),
    nativeCost: row.PricingCurrency !== row.BillingCurrency || row.PricingCurrencyEffectiveCost === row.EffectiveCost,
    service: row.ServiceCategory === 'AI and Machine Learning' && row.ServiceSubcategory === 'Generative AI',
    unitWithQuantity: (row.ConsumedQuantity === null) === (row.ConsumedUnit === null),
    pricingWithPrice: [
      'PricingQuantity',
      'PricingUnit',
      'ListUnitPrice',
      'ContractedUnitPrice',
      'PricingCategory',
    ].every((name) => (cell(name) === null) === (row.SkuPriceId === null)),
    skuWithPrice: row.SkuPriceId === null || row.SkuId !== null,
    product: row.SkuPriceId === null || product(row.ListUnitPrice!, row.PricingQuantity!) === scaled(row.ListCost!),
  };
  return Object.entries(rules).flatMap(([name, holds]) => (holds ? [] : [name]));
}

function scaled(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(21, '0'));
}
const product = (price: string, quantity: string): bigint => scaled(price) * BigInt(quantity);
