import { servedAttempt, type AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { sumDeltas } from './effective-cost.js';
import type { InvoiceLine } from './invoice.js';

/**
 * - `none`: within the tolerance
 * - `missing_receipts`: the provider has usage that we have not
 * - `not_invoiced`: we have usage that the provider has not charged
 * - `unpriced`: we know the usage and no price
 * - `cache_tokens`: the invoice fits when cached tokens are charged at the full rate
 * - `currency`: the invoice is the amount in the price's own currency
 * - `estimated_usage`: part of our usage was estimated, or it is not known whether it was billed
 * - `usage`: tokens differ
 * - `price`: tokens agree (or are not told), amounts do not
 */
export type DriftCause =
  | 'none'
  | 'missing_receipts'
  | 'not_invoiced'
  | 'unpriced'
  | 'cache_tokens'
  | 'currency'
  | 'estimated_usage'
  | 'usage'
  | 'price';

export interface DriftRow {
  readonly provider: string;
  readonly model: string;
  readonly day: string;
  readonly attempts: number;
  readonly invoiceTokens: bigint | null;
  readonly ourTokens: bigint;
  readonly invoiceCost: bigint;
  readonly ourCost: bigint;
  readonly cause: DriftCause;
}

interface Ours {
  attempts: number;
  tokens: bigint;
  cost: bigint;
  /** The same with cached tokens at the rate of others. */
  costWithoutCache: bigint;
  native: bigint;
  unpriced: number;
  unsure: number;
}

/** Collects what we have by provider, model and day, and compares it with an invoice. */
export class Reconciliation {
  readonly #ours = new Map<string, Ours>();

  /** @param modelName how the invoice names a model of ours. */
  constructor(private readonly modelName: (model: string) => string = (model) => model) {}

  /** Corrections go to the attempt that served. */
  addReceipt(receipt: Receipt, adjustments: readonly ReceiptAdjusted[]): void {
    const charged = receipt.attempts.filter(({ billed }) => billed !== 'no');
    const served = servedAttempt(charged) ?? charged.at(-1);
    for (const attempt of charged) this.#add(attempt, attempt === served ? adjustments : []);
  }

  /** @param toleranceMilli drift up to so many thousandths of the invoice is none. */
  compare(invoice: readonly InvoiceLine[], toleranceMilli: bigint): readonly DriftRow[] {
    const rows: DriftRow[] = [];
    const left = new Map(this.#ours);
    const days = new Set(invoice.map(({ provider, day }) => JSON.stringify([provider, day])));
    for (const line of invoice) {
      const key = keyOf(line.provider, line.model, line.day);
      const ours = left.get(key) ?? nothing();
      left.delete(key);
      rows.push(rowOf(line, line, ours, causeOf(line, ours, toleranceMilli)));
    }
    for (const [key, ours] of left) {
      const [provider = '', model = '', day = ''] = JSON.parse(key) as string[];
      // A provider or day that is not on the invoice at all is not what it is about.
      if (!days.has(JSON.stringify([provider, day])) || (ours.cost === 0n && ours.unpriced === 0)) continue;
      rows.push(rowOf({ provider, model, day }, null, ours, 'not_invoiced'));
    }
    return rows.sort((a, b) => (keyOf(a.provider, a.model, a.day) < keyOf(b.provider, b.model, b.day) ? -1 : 1));
  }

  #add(attempt: AttemptLine, adjustments: readonly ReceiptAdjusted[]): void {
    const key = keyOf(attempt.provider, this.modelName(attempt.model), attempt.startedAt.slice(0, 10));
    const ours = this.#ours.get(key) ?? nothing();
    this.#ours.set(key, ours);
    const delta = sumDeltas(adjustments);
    const cost = BigInt(attempt.costPicoUsd ?? '0') + delta;
    ours.attempts += 1;
    ours.tokens += tokensOf(attempt);
    ours.cost += cost;
    ours.costWithoutCache += cost + cacheDiscount(attempt);
    ours.native += BigInt(attempt.costNativePico ?? '0') + delta;
    if (attempt.costPicoUsd === null && adjustments.length === 0) ours.unpriced += 1;
    if (attempt.costStatus === 'estimated' || attempt.billed === 'unknown') ours.unsure += 1;
  }
}

function causeOf(line: InvoiceLine, ours: Ours, toleranceMilli: bigint): DriftCause {
  const near = (a: bigint, b: bigint): boolean => distance(a, b) * 1_000n <= toleranceMilli * (b < 0n ? -b : b);
  if (near(ours.cost, line.cost)) return 'none';
  if (ours.attempts === 0) return 'missing_receipts';
  if (ours.unpriced > 0) return 'unpriced';
  if (near(ours.costWithoutCache, line.cost)) return 'cache_tokens';
  if (ours.native !== ours.cost && near(ours.native, line.cost)) return 'currency';
  if (line.tokens !== null && !near(ours.tokens, line.tokens)) {
    if (ours.unsure > 0) return 'estimated_usage';
    // When tokens and money are short in the same proportion, whole requests are missing.
    const sameShare = near(ours.cost * line.tokens, line.cost * ours.tokens);
    if (sameShare) return ours.tokens < line.tokens ? 'missing_receipts' : 'not_invoiced';
    return 'usage';
  }
  return ours.unsure > 0 && line.tokens === null ? 'estimated_usage' : 'price';
}

/** What cached input would have cost more at the rate of other input, in picodollars. */
function cacheDiscount(attempt: AttemptLine): bigint {
  const full = attempt.lines.find(({ meter }) => meter === 'input_uncached');
  if (full === undefined) return 0n;
  const saved = attempt.lines
    .filter(({ meter }) => meter === 'input_cache_read')
    .reduce((total, line) => total + BigInt(line.quantity) * (BigInt(full.ratePico) - BigInt(line.ratePico)), 0n);
  return (saved * BigInt(attempt.fxRateNano)) / 1_000_000_000n;
}

function tokensOf({ meters }: AttemptLine): bigint {
  const counted = Object.entries(meters).filter(([meter]) => meter.startsWith('input_') || meter.startsWith('output_'));
  return BigInt(counted.reduce((total, [, quantity]) => total + quantity, 0));
}

function rowOf(
  of: { readonly provider: string; readonly model: string; readonly day: string },
  line: InvoiceLine | null,
  ours: Ours,
  cause: DriftCause,
): DriftRow {
  return {
    provider: of.provider,
    model: of.model,
    day: of.day,
    attempts: ours.attempts,
    invoiceTokens: line?.tokens ?? null,
    ourTokens: ours.tokens,
    invoiceCost: line?.cost ?? 0n,
    ourCost: ours.cost,
    cause,
  };
}

const nothing = (): Ours => ({
  attempts: 0,
  tokens: 0n,
  cost: 0n,
  costWithoutCache: 0n,
  native: 0n,
  unpriced: 0,
  unsure: 0,
});
const keyOf = (provider: string, model: string, day: string): string => JSON.stringify([provider, model, day]);
const distance = (a: bigint, b: bigint): bigint => (a < b ? b - a : a - b);
