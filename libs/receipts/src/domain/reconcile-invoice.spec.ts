import { describe, expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { parseInvoice, type InvoiceLine } from './invoice.js';
import { Reconciliation, type DriftRow } from './reconcile-invoice.js';

const DAY = '2026-11-10';
const receipts = [...generateReceipts({ seed: 5, count: 400, endMs: Date.UTC(2026, 10, 11), days: 1 })].filter(
  ({ acceptedAt }) => acceptedAt.startsWith(DAY),
);
const of = (model: string, given: readonly Receipt[] = receipts): readonly Receipt[] =>
  given.filter(({ attempts }) => attempts.length === 1 && attempts[0]?.model === model && attempts[0].status === 'ok');

function compare(given: readonly Receipt[], invoice: readonly InvoiceLine[]): readonly DriftRow[] {
  const reconciliation = new Reconciliation();
  for (const receipt of given) reconciliation.addReceipt(receipt, []);
  return reconciliation.compare(invoice, 5n);
}

/** What we know of a model as its provider would charge it. */
function invoiceOf(
  provider: string,
  model: string,
  given: readonly Receipt[],
  change: Partial<InvoiceLine> = {},
): InvoiceLine {
  const [row] = compare(given, [{ provider, model, day: DAY, tokens: null, cost: 0n }]);
  return { provider, model, day: DAY, tokens: row?.ourTokens ?? 0n, cost: row?.ourCost ?? 0n, ...change };
}
const cause = (given: readonly Receipt[], line: InvoiceLine): string | undefined => compare(given, [line])[0]?.cause;

describe('reconciling', () => {
  const mine = of('gpt-5');
  const line = invoiceOf('openai', 'gpt-5', mine);

  it('finds no drift where there is none', () => {
    expect(mine.length).toBeGreaterThan(20);
    expect(cause(mine, line)).toBe('none');
  });

  it('names lost receipts, whole or in part', () => {
    expect(cause([], line)).toBe('missing_receipts');
    expect(
      cause(
        mine.slice(0, 1).concat(mine.slice(0, 1)),
        invoiceOf('openai', 'gpt-5', [...mine.slice(0, 1), ...mine.slice(0, 1), ...mine.slice(0, 1)]),
      ),
    ).toBe('missing_receipts');
  });

  it('names cached tokens at the full rate', () => {
    const saved = mine
      .flatMap(({ attempts }) => attempts[0]?.lines ?? [])
      .filter(({ meter }) => meter === 'input_cache_read');
    const more = saved.reduce((total, { quantity }) => total + BigInt(quantity) * (1_250_000n - 125_000n), 0n);

    expect(cause(mine, { ...line, cost: line.cost + more })).toBe('cache_tokens');
  });

  it('names another price where the tokens agree, and other usage where they do not', () => {
    expect(cause(mine, { ...line, cost: line.cost * 2n })).toBe('price');
    expect(cause(mine, { ...line, tokens: (line.tokens ?? 0n) * 2n, cost: line.cost * 3n })).toBe('usage');
  });

  it('names models without a price, amounts in another currency, and what nobody charged', () => {
    const local = of('llama-4-8b');
    const ark = of('doubao-seed-1-6');
    const native = ark.reduce((total, { attempts }) => total + BigInt(attempts[0]?.costNativePico ?? '0'), 0n);

    expect(cause(local, invoiceOf('local', 'llama-4-8b', local, { cost: 5n }))).toBe('unpriced');
    expect(cause(ark, invoiceOf('ark', 'doubao-seed-1-6', ark, { cost: native }))).toBe('currency');
    expect(compare([...mine, ...of('gpt-5-mini')], [line]).map((row) => [row.model, row.cause])).toEqual([
      ['gpt-5', 'none'],
      ['gpt-5-mini', 'not_invoiced'],
    ]);
  });
});

describe('an invoice', () => {
  it('is read from CSV and JSON alike, rows of a day added up', () => {
    const csv =
      'provider,model,day,quantity,cost_usd\nopenai,"gpt-5",2026-11-10,10,0.25\nopenai,gpt-5,2026-11-10,5,0.5\n';
    const json = JSON.stringify([{ provider: 'openai', model: 'gpt-5', day: DAY, quantity: 15, cost_usd: '0.75' }]);

    expect(parseInvoice(csv)).toEqual(parseInvoice(json));
    expect(parseInvoice(csv).lines).toMatchObject([{ tokens: 15n, cost: 750_000_000_000n }]);
  });

  it('lists all that is wrong with it, with the rows', () => {
    const { problems } = parseInvoice('provider,model,day,cost_usd\n,m,2026-11-10,1\np,m,yesterday,-1\n');

    expect(problems).toEqual([
      { row: 1, message: '"provider" is missing' },
      { row: 2, message: '"day" must be such as 2026-11-24' },
      { row: 2, message: '"cost_usd" must be a decimal number with at most twelve places' },
    ]);
    expect(parseInvoice('{').problems).toHaveLength(1);
    expect(parseInvoice('').problems).toEqual([{ row: 0, message: 'holds no row' }]);
  });
});
