import type { CostStatus, MeterLine, PricedAttempt } from '#events/domain/attempt.js';
import { inputTokens, METERS, outputTokens, type Meter, type Meters } from '#events/domain/meters.js';
import { divideHalfEven } from './exact-decimal.js';
import type { PriceRecord, RateCard, Rates, TierBound } from './price-record.js';
import { RATE_FALLBACKS } from './rate-fallbacks.js';

/** US dollars for one unit of a currency, in 10^-9, and the day of that rate (`null` for USD itself). */
export interface ExchangeRate {
  readonly rateNano: bigint;
  readonly date: string | null;
}
export const NANO = 1_000_000_000n;
export const US_DOLLAR: ExchangeRate = { rateNano: NANO, date: null };

/** Names under which providers serve at the normal price. */
const STANDARD_TIERS: ReadonlySet<string> = new Set(['', 'standard', 'default', 'auto', 'on_demand']);

interface Charge {
  readonly lines: readonly MeterLine[];
  readonly sure: boolean;
}

/**
 * Prices the meters of one attempt by one record. Integers only: `cost = Σ quantity × rate` holds exactly in the
 * record's currency; the dollar amount is rounded once, half to even.
 * @param usageIsExact the provider reported the usage itself, and surely charged for it.
 * @returns `unpriced` with `null` costs when a used meter has no rate.
 */
export function priceUsage(
  record: PriceRecord,
  priceHash: string,
  meters: Meters,
  serviceTier: string | null,
  usageIsExact: boolean,
  fx: ExchangeRate,
): PricedAttempt {
  const { card, sure: tierIsSure } = cardOf(record, serviceTier);
  const charge = record.tierMode === 'graduated' ? chargeGraduated(card, meters) : chargeWhole(card, meters);
  const named = {
    priceId: record.priceId,
    priceHash,
    currency: record.currency,
    fxRateNano: fx.rateNano.toString(),
    fxDate: fx.date,
  };
  if (charge === null) {
    return { ...named, costStatus: 'unpriced', lines: [], costPicoUsd: null, costNativePico: null };
  }
  let native = 0n;
  for (const line of charge.lines) native += BigInt(line.amountPico);
  const usd = fx.rateNano === NANO ? native : divideHalfEven(native * fx.rateNano, NANO);
  return {
    ...named,
    costStatus: statusOf(card, usageIsExact && charge.sure && tierIsSure),
    lines: charge.lines,
    costPicoUsd: usd.toString(),
    costNativePico: native.toString(),
  };
}

/** The rates that hold for these meters: the base card with the last fitting tier laid over it. */
function ratesFor(card: RateCard, meters: Meters): Rates {
  const tier = card.tiers.findLast(({ when }) => when.every((bound) => holds(bound, meters)));
  return tier === undefined ? card.rates : { ...card.rates, ...tier.rates };
}

/** A served tier without a card of its own is charged as standard, and the cost says that it is not sure. */
function cardOf(record: PriceRecord, serviceTier: string | null): { readonly card: RateCard; readonly sure: boolean } {
  if (serviceTier === null || STANDARD_TIERS.has(serviceTier)) return { card: record, sure: true };
  const own = Object.hasOwn(record.serviceTiers, serviceTier) ? record.serviceTiers[serviceTier] : undefined;
  return own === undefined ? { card: record, sure: false } : { card: own, sure: true };
}

function statusOf(card: RateCard, exact: boolean): CostStatus {
  const free = isZero(card.rates) && card.tiers.every((tier) => isZero(tier.rates));
  if (free) return 'free';
  return exact ? 'exact' : 'estimated';
}
const isZero = (rates: Rates): boolean => Object.values(rates).every((rate) => BigInt(rate) === 0n);

function holds(bound: TierBound, meters: Meters): boolean {
  const count = bound.of === 'prompt_tokens' ? inputTokens(meters) : outputTokens(meters);
  if (bound.op === '>') return count > bound.n;
  if (bound.op === '>=') return count >= bound.n;
  return bound.op === '<' ? count < bound.n : count <= bound.n;
}

function rateOf(meter: Meter, rates: Rates): { readonly rate: string; readonly sure: boolean } | null {
  const own = rates[meter];
  if (own !== undefined) return { rate: own, sure: true };
  const fallback = RATE_FALLBACKS[meter];
  for (const other of fallback?.to ?? []) {
    const rate = rates[other];
    if (rate !== undefined) return { rate, sure: fallback?.sure ?? false };
  }
  return null;
}

/** `request` counts once per attempt where a price per request exists. */
function quantityOf(meter: Meter, meters: Meters, rates: Rates): number {
  const given = meters[meter];
  if (meter !== 'request') return given ?? 0;
  return rates.request === undefined ? 0 : (given ?? 1);
}

function chargeWhole(card: RateCard, meters: Meters): Charge | null {
  const rates = ratesFor(card, meters);
  const lines: MeterLine[] = [];
  let sure = true;
  for (const meter of METERS) {
    const quantity = quantityOf(meter, meters, rates);
    if (quantity === 0) continue;
    const found = Number.isSafeInteger(quantity) && quantity > 0 ? rateOf(meter, rates) : null;
    if (found === null) return null;
    sure &&= found.sure;
    lines.push(lineOf(meter, quantity, found.rate));
  }
  return { lines, sure };
}

/**
 * Bands of prompt tokens, filled in the order of the meters: the first `n` by the base card, what is beyond by the
 * tier. Output is charged by the base card. A meter that crosses a threshold has a line in each band.
 */
function chargeGraduated(card: RateCard, meters: Meters): Charge | null {
  const bands = card.tiers
    .flatMap(({ when, rates }) =>
      when.map((bound) => ({ from: bound.op === '>=' ? bound.n - 1 : bound.n, rates: { ...card.rates, ...rates } })),
    )
    .sort((a, b) => a.from - b.from);
  const lines: MeterLine[] = [];
  let sure = true;
  let filled = 0;
  for (const meter of METERS) {
    let left = quantityOf(meter, meters, card.rates);
    if (left === 0) continue;
    if (!Number.isSafeInteger(left) || left < 0) return null;
    while (left > 0) {
      const input = meter.startsWith('input_');
      const band = input ? bands.findLast(({ from }) => filled >= from) : undefined;
      const next = input ? bands.find(({ from }) => from > filled) : undefined;
      const part = next === undefined ? left : Math.min(left, next.from - filled);
      const found = rateOf(meter, band?.rates ?? card.rates);
      if (found === null) return null;
      sure &&= found.sure;
      lines.push(lineOf(meter, part, found.rate));
      left -= part;
      if (input) filled += part;
    }
  }
  return { lines, sure };
}

function lineOf(meter: Meter, quantity: number, ratePico: string): MeterLine {
  return { meter, quantity, ratePico, amountPico: (BigInt(quantity) * BigInt(ratePico)).toString() };
}
