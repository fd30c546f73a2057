import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMeters, METERS, type Meters } from '#events/domain/meters.js';
import { divideHalfEven, exactDecimal } from './domain/exact-decimal.js';
import type { CatalogueData } from './domain/catalogue.js';
import type { PriceRecord, PriceTier } from './domain/price-record.js';
import { NANO, priceUsage, US_DOLLAR } from './domain/price-usage.js';
import type { PriceQuestion } from './ports/price-book.js';
import { createPriceList } from './usecases/price-list.js';

const RECORD: PriceRecord = {
  priceId: 'r',
  provider: 'p',
  model: 'm',
  tenantId: null,
  currency: 'USD',
  validFrom: null,
  validTo: null,
  daily: null,
  source: 'test',
  rates: { input_uncached: '2000000', input_cache_read: '500000', output_text: '8000000' },
  tierMode: 'rate_card',
  tiers: [],
  serviceTiers: {},
  fx: null,
};
const NOTHING: CatalogueData = { sources: [], providers: {}, fx: {} };
const question = (changes: Partial<PriceQuestion>): PriceQuestion => ({
  provider: 'p',
  model: 'm',
  providerKind: 'openai-compatible',
  tenantId: 't',
  atMs: 0,
  meters: { input_uncached: 10, output_text: 5 },
  serviceTier: null,
  usageSource: 'provider',
  billed: 'yes',
  providerCostPicoUsd: null,
  ...changes,
});
const price = (record: PriceRecord, changes: Partial<PriceQuestion> = {}) =>
  createPriceList({ own: [record], catalogue: NOTHING, hash: () => 'h' }).price(question(changes));
const tier = (op: '>' | '>=', n: number): PriceTier => ({
  when: [{ of: 'prompt_tokens', op, n }],
  rates: { input_uncached: '4000000', input_cache_read: '1000000', output_text: '12000000' },
});

describe('cost bugs that users report', () => {
  it('1: cached tokens are charged once, at their own rate', () => {
    expect(price(RECORD, { meters: { input_uncached: 800, input_cache_read: 200 } }).costPicoUsd).toBe('1700000000');
  });

  it('2, 6: the same meters cost the same, however they arrived', () => {
    const meters = { input_uncached: 12, output_text: 34 };

    expect(price(RECORD, { meters })).toEqual(price(RECORD, { meters: { ...meters, output_reasoning: 0 } }));
  });

  it('4: usage that we counted ourselves makes an estimated cost', () => {
    expect(price(RECORD, { usageSource: 'estimated' }).costStatus).toBe('estimated');
    expect(price(RECORD, { usageSource: 'upper_bound' }).costStatus).toBe('estimated');
  });

  it('5: an explicit zero is a price, a missing rate is none', () => {
    const zero = { ...RECORD, rates: { input_uncached: '0', output_text: '0' } };

    expect(price(zero)).toMatchObject({ costStatus: 'free', costPicoUsd: '0' });
    expect(price({ ...RECORD, rates: { input_uncached: '0' } })).toMatchObject({
      costStatus: 'unpriced',
      costPicoUsd: null,
    });
  });

  it('7: beyond a threshold the whole request is charged by the tier, and the operator counts', () => {
    const above = { ...RECORD, tiers: [tier('>', 200)] };
    const from = { ...RECORD, tiers: [tier('>=', 200)] };
    const meters = { input_uncached: 150, input_cache_read: 50, output_text: 10 };

    expect(price(above, { meters }).costPicoUsd).toBe('405000000');
    expect(price(from, { meters }).costPicoUsd).toBe('770000000');
    expect(price(above, { meters: { ...meters, input_cache_read: 51 } }).costPicoUsd).toBe('771000000');
  });

  it('7: a graduated price charges only the excess', () => {
    const graduated: PriceRecord = { ...RECORD, tierMode: 'graduated', tiers: [tier('>', 100)] };

    const priced = price(graduated, { meters: { input_uncached: 150, output_text: 10 } });

    expect(priced.lines.map(({ quantity, ratePico }) => [quantity, ratePico])).toEqual([
      [100, '2000000'],
      [50, '4000000'],
      [10, '8000000'],
    ]);
  });

  it('8: the served tier decides; one without a price of its own makes the cost estimated', () => {
    const flex = { ...RECORD, serviceTiers: { flex: { rates: { input_uncached: '1', output_text: '1' }, tiers: [] } } };

    expect(price(flex, { serviceTier: 'flex' })).toMatchObject({ costStatus: 'exact', costPicoUsd: '15' });
    expect(price(flex, { serviceTier: 'priority' })).toMatchObject({
      costStatus: 'estimated',
      costPicoUsd: '60000000',
    });
    expect(price(flex, { serviceTier: 'default' }).costStatus).toBe('exact');
  });

  it('9: reasoning is charged as output where it has no rate of its own', () => {
    expect(price(RECORD, { meters: { output_reasoning: 10 } })).toMatchObject({
      costStatus: 'exact',
      costPicoUsd: '80000000',
    });
  });

  it('10: cache writes of an hour and of five minutes, audio and images have rates of their own', () => {
    const rates = {
      ...RECORD.rates,
      input_cache_write_5m: '2500000',
      input_cache_write_1h: '4000000',
      input_audio: '9',
    };

    const priced = price(
      { ...RECORD, rates },
      { meters: { input_cache_write_5m: 1, input_cache_write_1h: 1, input_audio: 1 } },
    );

    expect(priced).toMatchObject({ costStatus: 'exact', costPicoUsd: '6500009' });
    expect(price(RECORD, { meters: { input_audio: 1 } }).costStatus).toBe('estimated');
  });

  it('11: an unknown model is unpriced and never zero', () => {
    expect(price(RECORD, { model: 'unknown' })).toMatchObject({
      costStatus: 'unpriced',
      costPicoUsd: null,
      priceId: null,
    });
    expect(price(RECORD, { model: 'constructor', provider: '__proto__' }).costStatus).toBe('unpriced');
    expect(price(RECORD, { model: 'unknown', providerCostPicoUsd: '7' })).toMatchObject({
      costStatus: 'provider_reported',
      costPicoUsd: '7',
    });
  });

  it('12: another number is another hash', () => {
    const texts: string[] = [];
    const hash = (text: string): string => `${texts.push(text)}`;
    createPriceList({ own: [RECORD, { ...RECORD, model: 'n' }], catalogue: NOTHING, hash });

    expect(new Set(texts).size).toBe(2);
  });

  it('13: other currencies stay exact in their own, with rate and day on the result', () => {
    const cny: PriceRecord = { ...RECORD, currency: 'CNY', fx: { rateNano: '148433757', date: '2026-08-26' } };

    expect(price(cny)).toMatchObject({
      currency: 'CNY',
      costNativePico: '60000000',
      costPicoUsd: divideHalfEven(60_000_000n * 148_433_757n, NANO).toString(),
      fxRateNano: '148433757',
      fxDate: '2026-08-26',
    });
    expect(price({ ...cny, fx: null })).toMatchObject({ costStatus: 'unpriced', costPicoUsd: null });
  });

  it('14: an unbilled attempt costs exactly nothing; an unknown one says that it is estimated', () => {
    expect(price(RECORD, { billed: 'no' })).toMatchObject({ costStatus: 'exact', costPicoUsd: '0', lines: [] });
    expect(price(RECORD, { billed: 'unknown' }).costStatus).toBe('estimated');
    expect(price(RECORD, { billed: 'unknown', usageSource: 'none' })).toMatchObject({
      costStatus: 'estimated',
      costPicoUsd: '0',
    });
    expect(price(RECORD, { billed: 'yes', usageSource: 'none' })).toMatchObject({
      costStatus: 'unpriced',
      costPicoUsd: null,
    });
  });

  it('broken meters are unpriced instead of wrong', () => {
    for (const quantity of [-1, 1.5, Number.NaN, Infinity]) {
      expect(price(RECORD, { meters: { output_text: quantity } }).costPicoUsd).toBeNull();
    }
  });
});

const anyMeters: fc.Arbitrary<Meters> = fc.record(
  Object.fromEntries(METERS.map((meter) => [meter, fc.nat(2_000_000)])),
  { requiredKeys: [] },
);
const anyRates = fc.record(Object.fromEntries(METERS.map((meter) => [meter, fc.bigInt(0n, 10n ** 9n).map(String)])));
const full = (rates: PriceRecord['rates'], tierMode: PriceRecord['tierMode']): PriceRecord => ({
  ...RECORD,
  rates,
  tierMode,
});
const total = (record: PriceRecord, meters: Meters) =>
  BigInt(priceUsage(record, 'h', meters, null, true, US_DOLLAR).costPicoUsd ?? '-1');

describe('money', () => {
  it('is the exact sum of quantity times rate over the lines, in every mode', () => {
    fc.assert(
      fc.property(anyMeters, anyRates, fc.boolean(), fc.nat(1_000_000), (meters, rates, whole, n) => {
        const record = { ...full(rates, whole ? 'rate_card' : 'graduated'), tiers: [{ ...tier('>', n) }] };
        const priced = priceUsage(record, 'h', meters, null, true, US_DOLLAR);
        const sum = priced.lines.reduce((all, line) => all + BigInt(line.quantity) * BigInt(line.ratePico), 0n);
        expect(priced.costPicoUsd).toBe(sum.toString());
        for (const meter of METERS) {
          const charged = priced.lines
            .filter((line) => line.meter === meter)
            .reduce((all, line) => all + line.quantity, 0);
          if (meter !== 'request') expect(charged).toBe(meters[meter] ?? 0);
        }
      }),
    );
  });

  it('adds up over attempts: flat prices of a sum are the sum of the prices', () => {
    fc.assert(
      fc.property(anyMeters, anyMeters, anyRates, (a, b, rates) => {
        const flat = full({ ...rates, request: '0' }, 'rate_card');
        expect(total(flat, addMeters(a, b))).toBe(total(flat, a) + total(flat, b));
      }),
    );
  });

  it('reads decimals without floats and refuses what does not fit', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), (millionths) => {
        const text = `${millionths / 1_000_000n}.${(millionths % 1_000_000n).toString().padStart(6, '0')}`;
        expect(exactDecimal(text, 6)).toBe(millionths);
      }),
    );
    expect(exactDecimal('1e-7', 6)).toBeNull();
    expect(exactDecimal('1e-7', 7)).toBe(1n);
    expect(exactDecimal('2.5e3', 0)).toBe(2500n);
    expect(exactDecimal('0x10', 6)).toBeNull();
  });

  it('rounds once, half to even', () => {
    expect([5n, 15n, 25n, -5n, -15n, 14n, 16n].map((value) => divideHalfEven(value, 10n))).toEqual([
      0n,
      2n,
      2n,
      0n,
      -2n,
      1n,
      2n,
    ]);
  });
});
