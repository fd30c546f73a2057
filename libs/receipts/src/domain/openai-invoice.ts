import { picoToDecimal } from '#events/domain/money.js';
import { roundedDecimal } from '#pricing/domain/exact-decimal.js';

type Fields = Readonly<Record<string, unknown>>;

/** Snapshots are charged under their own names (`gpt-5-2025-08-07`), requests mostly ask for the family. */
export const withoutSnapshotDate = (model: string): string => model.replace(/-\d{4}-\d\d-\d\d$/, '');

/**
 * Pages of OpenAI's `/organization/costs` (grouped by line item) and, for the tokens, of
 * `/organization/usage/completions` (grouped by model), as rows of an invoice; `null` when the JSON is something else.
 * Models come without the date of their snapshot. What has tokens and no cost, or no name, has an empty field, which
 * the reader of the rows reports.
 */
export function openAiInvoiceRows(value: unknown, provider: string): readonly Fields[] | null {
  const pages = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (pages.length === 0 || !pages.every((page) => asFields(page)?.['object'] === 'page')) return null;
  const rows = new Map<
    string,
    { model: string; day: string; cost: bigint | null; tokens: bigint | null; sound: boolean }
  >();
  for (const bucket of pages.flatMap((page) => listOf(asFields(page)?.['data']))) {
    const start = bucket['start_time'];
    const day = typeof start === 'number' ? new Date(start * 1_000).toISOString().slice(0, 10) : '';
    for (const result of listOf(bucket['results'])) {
      const model = modelOf(result);
      const key = JSON.stringify([model, day]);
      const row = rows.get(key) ?? { model, day, cost: null, tokens: null, sound: true };
      rows.set(key, row);
      const charge = result['object'] === 'organization.costs.result';
      const amount = charge ? costOf(result['amount']) : tokensOf(result);
      // An amount that cannot be read must not be missing from a sum without a word.
      if (amount === null) row.sound = false;
      else if (charge) row.cost = (row.cost ?? 0n) + amount;
      else row.tokens = (row.tokens ?? 0n) + amount;
    }
  }
  return [...rows.values()].map(({ model, day, cost, tokens, sound }) => ({
    provider,
    model,
    day,
    cost_usd: cost === null || !sound ? '' : picoToDecimal(cost),
    quantity: tokens === null ? '' : tokens.toString(),
  }));
}

/** `gpt-5-mini-2025-08-07, cached input` → `gpt-5-mini`. */
function modelOf(result: Fields): string {
  const name = result['line_item'] ?? result['model'];
  return typeof name === 'string' ? withoutSnapshotDate((name.split(', ')[0] ?? '').trim()) : '';
}

function costOf(amount: unknown): bigint | null {
  const fields = asFields(amount);
  const value = fields?.['value'];
  const dollars = String(fields?.['currency']).toLowerCase() === 'usd';
  return dollars && (typeof value === 'number' || typeof value === 'string') ? roundedDecimal(String(value), 12) : null;
}

/** `input_tokens` includes the cached ones. */
function tokensOf(result: Fields): bigint | null {
  const counts = [result['input_tokens'], result['output_tokens'] ?? 0];
  if (!counts.every((count) => Number.isSafeInteger(count))) return null;
  return counts.reduce<bigint>((sum, one) => sum + BigInt(one as number), 0n);
}

const asFields = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value)
    ? value.flatMap((one: unknown): readonly Fields[] => {
        const fields = asFields(one);
        return fields === null ? [] : [fields];
      })
    : [];
