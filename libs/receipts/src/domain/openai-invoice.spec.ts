import { describe, expect, it } from 'vitest';
import { parseInvoice } from './invoice.js';

const DAY_S = Date.UTC(2026, 10, 1) / 1_000;
const page = (...results: readonly object[]) => ({
  object: 'page',
  data: [{ object: 'bucket', start_time: DAY_S, end_time: DAY_S + 86_400, results }],
  has_more: false,
  next_page: null,
});
const cost = (value: unknown, lineItem: string | null, currency = 'usd') => ({
  object: 'organization.costs.result',
  amount: { value, currency },
  line_item: lineItem,
  project_id: null,
});
const usage = (model: string, input: number, output: number) => ({
  object: 'organization.usage.completions.result',
  input_tokens: input,
  output_tokens: output,
  input_cached_tokens: 10,
  num_model_requests: 3,
  model,
});

describe('OpenAI’s exports as an invoice', () => {
  it('adds up the line items of a model and day, tokens from the usage pages', () => {
    const pages = [
      page(cost(0.06, 'gpt-5-mini-2025-08-07, input'), cost(1e-7, 'gpt-5-mini-2025-08-07, cached input')),
      page(usage('gpt-5-mini-2025-08-07', 100, 20)),
    ];

    const { lines, problems } = parseInvoice(JSON.stringify(pages), 'openai');

    expect(problems).toEqual([]);
    expect(lines).toEqual([
      { provider: 'openai', model: 'gpt-5-mini', day: '2026-11-01', cost: 60_000_100_000n, tokens: 120n },
    ]);
  });

  it('takes a page of costs alone, its amounts as numbers or text', () => {
    const { lines } = parseInvoice(JSON.stringify(page(cost('0.5', 'gpt-5, output'))), 'openai');

    expect(lines).toMatchObject([{ model: 'gpt-5', cost: 500_000_000_000n, tokens: null }]);
  });

  it('lists everything that no cost can be read from, and the missing name of the provider', () => {
    const text = JSON.stringify([
      page(cost(0.1, null), cost(0.1, 'gpt-5, input'), cost(0.1, 'gpt-5, output', 'eur'), cost(null, 'gpt-4, input')),
      page(usage('gpt-3', 1, 1)),
    ]);

    const { lines, problems } = parseInvoice(text);

    expect(lines).toEqual([]);
    expect(problems.filter(({ message }) => message.includes('"model"'))).toHaveLength(1);
    expect(problems.filter(({ message }) => message.includes('"cost_usd"'))).toHaveLength(3);
    expect(problems.filter(({ message }) => message.includes('"provider"'))).toHaveLength(4);
  });
});
