import { openAiInvoiceRows } from './openai-invoice.js';
import { decimalToPico } from '#events/domain/money.js';

/** What a provider charges for a model on a day. */
export interface InvoiceLine {
  readonly provider: string;
  readonly model: string;
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  /** Tokens of input and output together; `null` = the invoice does not say. */
  readonly tokens: bigint | null;
  /** Picodollars. */
  readonly cost: bigint;
}

export interface InvoiceProblem {
  /** Row from 1, the heading not counted. */
  readonly row: number;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads an invoice: CSV with a heading, or a JSON list of objects. Fields: `provider`, `model`, `day`, `cost_usd`, and
 * `quantity` (tokens) where it is known. Or pages of OpenAI's costs and usage (`openAiInvoiceRows`). Rows of one
 * provider, model and day are added up. All problems come together.
 * @param provider whose invoice it is, where the rows do not say: the name in the configuration.
 */
export function parseInvoice(
  text: string,
  provider = '',
): {
  readonly lines: readonly InvoiceLine[];
  readonly problems: readonly InvoiceProblem[];
} {
  const problems: InvoiceProblem[] = [];
  const sums = new Map<string, InvoiceLine>();
  for (const [at, fields] of readRows(text, provider, problems).entries()) {
    const line = readLine(provider === '' ? fields : { provider, ...fields }, (message) =>
      problems.push({ row: at + 1, message }),
    );
    if (line === null) continue;
    const key = JSON.stringify([line.provider, line.model, line.day]);
    const before = sums.get(key);
    sums.set(key, before === undefined ? line : add(before, line));
  }
  if (sums.size === 0 && problems.length === 0) problems.push({ row: 0, message: 'holds no row' });
  return { lines: [...sums.values()], problems };
}

function readRows(text: string, provider: string, problems: InvoiceProblem[]): readonly Fields[] {
  const start = text.trimStart();
  if (start.startsWith('[') || start.startsWith('{')) {
    try {
      const value: unknown = JSON.parse(text);
      const pages = openAiInvoiceRows(value, provider);
      if (pages !== null) return pages;
      if (Array.isArray(value))
        return value.map((row) => (typeof row === 'object' && row !== null ? (row as Fields) : {}));
    } catch {
      // told below
    }
    problems.push({ row: 0, message: 'is no JSON list' });
    return [];
  }
  const [heading = '', ...rows] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const names = cells(heading).map((name) => name.trim().toLowerCase());
  return rows.map((row) => {
    const values = cells(row);
    return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
  });
}

function readLine(fields: Fields, report: (message: string) => void): InvoiceLine | null {
  const text = (name: string): string => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
  };
  const [provider, model, day] = [text('provider'), text('model'), text('day').slice(0, 10)];
  const cost = decimalToPico(text('cost_usd'));
  const quantity = text('quantity');
  let sound = true;
  const check = (holds: boolean, message: string): void => {
    if (holds) return;
    sound = false;
    report(message);
  };
  check(provider !== '', '"provider" is missing');
  check(model !== '', '"model" is missing');
  check(/^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(Date.parse(day)), '"day" must be such as 2026-11-24');
  check(cost !== null && cost >= 0n, '"cost_usd" must be a decimal number with at most twelve places');
  check(/^\d{0,18}$/.test(quantity), '"quantity" must be a whole number of tokens');
  if (!sound || cost === null) return null;
  return { provider, model, day, cost, tokens: quantity === '' ? null : BigInt(quantity) };
}

const add = (a: InvoiceLine, b: InvoiceLine): InvoiceLine => ({
  ...a,
  cost: a.cost + b.cost,
  tokens: a.tokens === null || b.tokens === null ? null : a.tokens + b.tokens,
});

/** Cells of one line of CSV; quoted ones may hold commas and doubled quotes. */
function cells(line: string): readonly string[] {
  return [...`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}
