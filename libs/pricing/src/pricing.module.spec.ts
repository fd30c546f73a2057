import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { picoToDecimal } from '#events/domain/money.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { checkPriceFile, loadPriceBook } from './pricing.module.js';
import type { PriceBook, PriceQuestion } from './ports/price-book.js';

const NOW = Date.UTC(2026, 10, 24);
const ACCEPTANCE = `
- { provider: alpha, model: alpha-large, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 2, input_cache_read: 0.5, output_text: 8, output_reasoning: 8 } }
`;

function load(yaml: string): ReturnType<typeof loadPriceBook> {
  const file = join(mkdtempSync(join(tmpdir(), 'nextmodel-prices-')), 'prices.yaml');
  writeFileSync(file, yaml);
  return loadPriceBook({ files: [file], nowMs: NOW });
}
function bookOf(yaml: string): PriceBook {
  const loaded = load(yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.book;
}
function ask(question: Partial<PriceQuestion>): PriceQuestion {
  return {
    provider: 'alpha',
    model: 'alpha-large',
    providerKind: 'openai-compatible',
    tenantId: 't1',
    atMs: NOW,
    meters: { input_uncached: 800, input_cache_read: 200, output_text: 60, output_reasoning: 40 },
    serviceTier: null,
    usageSource: 'provider',
    billed: 'yes',
    providerCostPicoUsd: null,
    ...question,
  };
}
function problemsOf(yaml: string): readonly string[] {
  const loaded = load(yaml);
  return loaded.ok ? [] : loaded.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`);
}

describe('price book', () => {
  it('prices 1000 prompt tokens (200 cached) and 100 completion tokens (40 reasoning) at exactly 0.0025', () => {
    const priced = bookOf(ACCEPTANCE).price(ask({}));

    expect(picoToDecimal(BigInt(priced.costPicoUsd ?? '0'))).toBe('0.0025');
    expect(priced).toMatchObject({ costStatus: 'exact', currency: 'USD', fxRateNano: '1000000000', fxDate: null });
    expect(priced.lines).toHaveLength(4);
    expect(priced.priceHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('names the hash of a text that it can give back', () => {
    const book = bookOf(ACCEPTANCE);

    const hash = book.price(ask({})).priceHash ?? '';

    expect(
      createHash('sha256')
        .update(book.recordText(hash) ?? '')
        .digest('hex'),
    ).toBe(hash);
    expect(bookOf(ACCEPTANCE).price(ask({})).priceHash).toBe(hash);
  });

  it('prefers own lists to published prices, and these to the catalogue', () => {
    const openai = { provider: 'openai', providerKind: 'openai', model: 'gpt-5' };
    const listed = bookOf('[]');
    const own = bookOf('- { provider: openai, model: gpt-5, usd_per_million: { input_uncached: 3, output_text: 3 } }');
    const published = publish(own.recordText(own.price(ask(openai)).priceHash ?? '') ?? '', '5000000');

    const fromCatalogue = listed.price(ask(openai));
    const applied = [listed.apply(published), listed.apply(published), own.apply(published)];

    expect(fromCatalogue.priceId).toMatch(/^genai-prices@/);
    expect(applied).toEqual([true, true, true]);
    expect(listed.price(ask(openai)).lines[0]?.ratePico).toBe('5000000');
    expect(own.price(ask(openai)).lines[0]?.ratePico).toBe('3000000');
  });

  it('keeps the text of a record that receipts have used, and prices nothing by it', () => {
    const own = bookOf('- { provider: alpha, model: alpha-large, usd_per_million: { output_text: 3 } }');
    const hash = own.price(ask({ meters: { output_text: 1 } })).priceHash ?? '';
    const record = own.recordText(hash) ?? '';
    const fresh = bookOf('[]');

    const applied = fresh.apply({
      ...publish(record, null),
      data: { priceId: 'p1', priceHash: hash, record, publishedAt: '2026-01-01T00:00:00.000Z' },
    } as RouterEvent);

    expect(applied).toBe(true);
    expect(fresh.recordText(hash)).toBe(record);
    expect(fresh.price(ask({ meters: { output_text: 1 } })).costStatus).toBe('unpriced');
  });

  it('refuses a published record whose hash is wrong', () => {
    const book = bookOf('[]');
    const event = publish('{"priceId":"x"}', null);

    expect(book.apply(event)).toBe(false);
    expect(book.price(ask({})).costStatus).toBe('unpriced');
  });

  it('knows prices for the demo provider and shows rates as decimals', () => {
    const book = bookOf('[]');

    expect(book.price(ask({ provider: 'demo', providerKind: 'demo', model: 'demo-large' })).costStatus).toBe('exact');
    expect(book.rates('demo', 'demo', 'demo-large', NOW)).toMatchObject({ input_uncached: '2.5', output_text: '10' });
    expect(book.rates('ark', 'ark', 'doubao-seed-1-6', NOW)).toMatchObject({ currency: 'CNY', input_uncached: '0.8' });
    expect(book.rates('alpha', 'openai-compatible', 'alpha-large', NOW)).toBeNull();
  });

  it('uses the price that was valid at the time, and the tenant’s own first', () => {
    const book = bookOf(`
- { provider: p, model: m, valid_from: 2026-01-01, usd_per_million: { output_text: 1 } }
- { provider: p, model: m, valid_from: 2026-06-01, usd_per_million: { output_text: 2 } }
- { provider: p, model: m, tenant: t2, usd_per_million: { output_text: 3 } }
- { provider: p, model: "*", usd_per_million: { output_text: 0 } }
`);
    const rate = (question: Partial<PriceQuestion>): string | undefined =>
      book.price(ask({ provider: 'p', model: 'm', meters: { output_text: 1 }, ...question })).lines[0]?.ratePico;

    expect(rate({ atMs: Date.UTC(2026, 1, 1) })).toBe('1000000');
    expect(rate({})).toBe('2000000');
    expect(rate({ tenantId: 't2' })).toBe('3000000');
    expect(book.price(ask({ provider: 'p', model: 'm', atMs: Date.UTC(2025, 1, 1) })).costStatus).toBe('unpriced');
    expect(book.price(ask({ provider: 'p', model: 'other', meters: { output_text: 1 } })).costStatus).toBe('free');
  });

  it('finds dated names of the catalogue and of ARK', () => {
    const book = bookOf('[]');

    const ark = book.price(ask({ provider: 'ark', providerKind: 'ark', model: 'doubao-seed-1-6-251015' }));
    const dated = book.price(ask({ provider: 'openai', providerKind: 'openai', model: 'gpt-5-20250807' }));

    expect(ark.priceId).toBe('ark-cny:ark/doubao-seed-1-6@always');
    expect(dated.costStatus).toBe('exact');
  });

  it('opens in under 30 ms', () => {
    const times = Array.from({ length: 5 }, () => {
      const began = performance.now();
      loadPriceBook({ files: [], nowMs: NOW });
      return performance.now() - began;
    });

    expect(Math.min(...times)).toBeLessThan(30);
  });
});

function check(yaml: string): ReturnType<typeof checkPriceFile> {
  const file = join(mkdtempSync(join(tmpdir(), 'nextmodel-publish-')), 'prices.yaml');
  writeFileSync(file, yaml);
  return checkPriceFile(file);
}

describe('a price file to publish', () => {
  it('becomes records that a book takes and prices by', () => {
    const checked = check(ACCEPTANCE);
    const book = bookOf('[]');
    if (!checked.ok) throw new Error('not ok');

    const [price] = checked.prices;
    const data = { ...price!, publishedAt: '2026-01-01T00:00:00.000Z' };
    const taken = book.apply({ ...publish('{}', null), data } as RouterEvent);

    expect(taken).toBe(true);
    expect(book.price(ask({}))).toMatchObject({ costPicoUsd: '2500000000', priceHash: price?.priceHash });
  });

  it('gives no record at all when one of its prices has a problem', () => {
    const checked = check(`${ACCEPTANCE}- { provider: a, model: m, usd_per_million: { output_text: -1 } }`);

    expect(checked).toMatchObject({
      ok: false,
      problems: [{ line: 3, path: 'prices[1].usd_per_million.output_text' }],
    });
    expect(check('[]')).toMatchObject({ ok: false, problems: [{ message: 'holds no price' }] });
  });
});

const entry = (rate: string, rest = ''): string =>
  `\n- { provider: a, model: m, ${rest} usd_per_million: { output_text: ${rate} } }\n`;

describe('prices.yaml', () => {
  it('lists all problems with their place', () => {
    const problems = problemsOf(`
- { provider: a, model: m, currency: XYZ, per_million: { output_text: 1 } }
- { provider: a, model: m, usd_per_million: { output_text: -1, input_unchached: 1 } }
- { provider: a, usd_per_million: {} }
- { provider: a, model: n, valid_from: 2026-01-01, valid_to: 2026-08-01, usd_per_million: { output_text: 1 } }
- { provider: a, model: n, valid_from: 2026-07-01, usd_per_million: { output_text: 1e-7 } }
- { provider: a, model: n, valid_from: 2026-07-01, usd_per_million: { output_text: 1 } }
- { provider: a, model: q, currency: CNY, usd_per_million: { output_text: 1 } }
- { provider: a, model: q, valid_from: 2026-13-01, usd_per_million: { output_text: 1 }, tiers: [ { usd_per_million: { input_uncached: 1 } } ] }
`);

    const all = problems.join('\n');
    expect(all).toContain('2 prices[0].currency: no rate for XYZ');
    expect(all).toContain('3 prices[1].usd_per_million.output_text: a rate is not negative');
    expect(all).toContain('did you mean "input_uncached"');
    expect(all).toContain('4 prices[2].model: "model" is missing');
    expect(all).toContain('4 prices[2].usd_per_million: needs at least one rate');
    expect(all).toContain('6 prices[4].usd_per_million.output_text: "1e-7" is no decimal number, or finer');
    expect(all).toContain('7 prices[5].valid_from: overlaps the price of line 5');
    expect(all).toContain('8 prices[6].usd_per_million: stands alone and with currency USD');
    expect(all).toContain('9 prices[7].valid_from: must be a day');
    expect(all).toContain('missing: output_text');
  });

  it.each([
    ['a rate that is not a number', entry('.nan'), /usd_per_million\.output_text: ".?nan" is no decimal/i],
    ['a rate that is infinite', entry('.inf'), /usd_per_million\.output_text: ".?inf/i],
    ['a rate with a huge exponent', entry('1e99'), /usd_per_million\.output_text: "1e.?99"/],
    ['a rate with an absurd exponent', entry('1e999999'), /usd_per_million\.output_text: /],
    ['a rate of more than a thousand for one unit', entry('1000000000.000001'), /more than 1000 for a single unit/],
    ['a negative rate', entry('-0.000001'), /a rate is not negative/],
    ['a rate that is a list', entry('[1]'), /usd_per_million\.output_text/],
    ['an empty rate', entry('""'), /usd_per_million\.output_text/],
    ['no rate', '\n- { provider: a, model: m, usd_per_million: {} }\n', /needs at least one rate/],
    [
      'an unknown meter',
      '\n- { provider: a, model: m, usd_per_million: { outptu_text: 1 } }\n',
      /did you mean "output_text"/,
    ],
    [
      'an unknown currency',
      '\n- { provider: a, model: m, currency: QQQ, per_million: { output_text: 1 } }\n',
      /no rate for QQQ/,
    ],
    [
      'a currency that is none',
      '\n- { provider: a, model: m, currency: dollars, per_million: { output_text: 1 } }\n',
      /ISO 4217/,
    ],
    ['an end before its start', entry('1', 'valid_from: 2026-02-01, valid_to: 2026-01-01,'), /valid_to: must be after/],
    [
      'the same record twice',
      entry('1') + entry('2').trimStart(),
      /3 prices\[1\]\.valid_from: overlaps the price of line 2/,
    ],
  ])('refuses %s, with its place', (_name, yaml, problem) => {
    const problems = problemsOf(yaml);

    expect(problems.join('\n')).toMatch(problem);
    expect(problems.every((one) => /^[23] prices\[[01]\]\./.test(one))).toBe(true);
    expect(check(yaml)).not.toHaveProperty('prices');
  });

  it('takes the largest and the smallest rate', () => {
    expect([problemsOf(entry('1000000000')), problemsOf(entry('0.000001')), problemsOf(entry('0'))]).toEqual([
      [],
      [],
      [],
    ]);
  });

  it('finds an overlap with a record that is not the one before', () => {
    const problems = problemsOf(`
${entry('1', 'valid_from: 2026-01-01, valid_to: 2026-12-01,').trim()}
${entry('2', 'valid_from: 2026-02-01, valid_to: 2026-03-01,').trim()}
${entry('3', 'valid_from: 2026-04-01,').trim()}
`);

    expect(problems.map((one) => one.slice(0, 1))).toEqual(['3', '4']);
  });

  it('takes numbers digit by digit, quoted or not', () => {
    const book = bookOf(
      '- { provider: a, model: m, usd_per_million: { input_uncached: 0.1, output_text: "0.300000" } }',
    );

    const { lines } = book.price(ask({ provider: 'a', model: 'm', meters: { input_uncached: 3, output_text: 1 } }));

    expect(lines.map(({ ratePico, amountPico }) => [ratePico, amountPico])).toEqual([
      ['100000', '300000'],
      ['300000', '300000'],
    ]);
  });
});

/** The record with another rate for uncached input, as a published price. */
function publish(text: string, inputRate: string | null): RouterEvent {
  const changed =
    inputRate === null ? text : text.replace('"input_uncached":"3000000"', `"input_uncached":"${inputRate}"`);
  const record = changed.replace('"source":"file"', '"source":"published"');
  const hash = inputRate === null ? '0'.repeat(64) : createHash('sha256').update(record).digest('hex');
  return {
    type: 'nextmodel.price.published.v1',
    id: 'p1',
    source: 'test',
    time: '2026-01-01T00:00:00.000Z',
    data: { priceId: 'p1', priceHash: hash, record, publishedAt: '2026-01-01T00:00:00.000Z' },
  };
}

describe('the ceiling of a price book', () => {
  it('is the dearest rate for a token of text that any card or tier has, in dollars', () => {
    const catalogue = bookOf(ACCEPTANCE).ceiling(NOW);
    const own = bookOf(`
- { provider: alpha, model: a, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 2, output_text: 8 }, service_tiers: { fast: { usd_per_million: { input_uncached: 2, output_text: 3000 } } } }
- { provider: alpha, model: b, currency: EUR, fx_usd_per_unit: 1.5, fx_date: 2026-01-01, valid_from: 2026-01-01, per_million: { input_uncached: 1, output_text: 8 }, tier_mode: rate_card, tiers: [ { when: { prompt_tokens: { op: ">", n: 10 } }, per_million: { input_uncached: 2000, output_text: 8 } } ] }
`).ceiling(NOW);

    expect(own).toEqual({ inputPicoUsd: 3_000_000_000n, outputPicoUsd: 3_000_000_000n });
    expect(catalogue.inputPicoUsd).toBeGreaterThan(10_000_000n);
    expect(catalogue.outputPicoUsd).toBeGreaterThan(catalogue.inputPicoUsd);
  });
});
