import { METERS, type Meter } from '#events/domain/meters.js';

/** 10^-12 of the record's currency for one unit of a meter, as decimal text. */
export type Rates = { readonly [M in Meter]?: string };

/** One condition of a tier; all of a tier's conditions must hold. */
export interface TierBound {
  readonly of: 'prompt_tokens' | 'completion_tokens';
  /** Providers differ: some charge more *from* 200k, others *above* 200k. */
  readonly op: '>' | '>=' | '<' | '<=';
  readonly n: number;
}
export interface PriceTier {
  readonly when: readonly TierBound[];
  /** Replace the rates of the card for these meters. */
  readonly rates: Rates;
}

/** A complete list of rates. The last tier whose conditions hold wins. */
export interface RateCard {
  readonly rates: Rates;
  readonly tiers: readonly PriceTier[];
}

/**
 * A price, immutable. Its identity is the sha256 of its JSON text; receipts name that hash, so that anyone can
 * compute their cost again. A changed price is a new record.
 */
export interface PriceRecord extends RateCard {
  readonly priceId: string;
  /** Name of a provider in the configuration; in the catalogue, name of the catalogue's provider. */
  readonly provider: string;
  /** Exact name, or a pattern with one star. */
  readonly model: string;
  /** Only for this tenant; `null` = for all. */
  readonly tenantId: string | null;
  /** ISO 4217. */
  readonly currency: string;
  /** ISO 8601; from inclusive, to exclusive; `null` = open. A later `validFrom` ends an open record. */
  readonly validFrom: string | null;
  readonly validTo: string | null;
  /** Seconds of the UTC day, from inclusive, to exclusive, may wrap; `null` = the whole day. */
  readonly daily: { readonly fromSecond: number; readonly toSecond: number } | null;
  /** `file`, `published`, `demo`, `genai-prices@0.1.8`, … */
  readonly source: string;
  /**
   * `rate_card`: beyond a threshold the whole request is charged by the tier.
   * `graduated`: only the prompt tokens beyond it are.
   */
  readonly tierMode: 'rate_card' | 'graduated';
  /** Cards of served tiers other than standard: `flex`, `batch`, `priority`. */
  readonly serviceTiers: Readonly<Record<string, RateCard>>;
  /** US dollars for one unit of the currency in 10^-9 with the day; `null` = the table of rates decides. */
  readonly fx: { readonly rateNano: string; readonly date: string } | null;
}

/** The text that is hashed and published. */
export function priceRecordText(record: PriceRecord): string {
  return JSON.stringify(record);
}

/** Picos for one unit: a thousand in the price's currency. More is a slip, and its sums would not fit the tables. */
export const RATE_PICO_MAX = 1_000_000_000_000_000n;

const isRates = (value: unknown): value is Rates =>
  isMap(value) &&
  Object.entries(value).every(
    ([meter, rate]) =>
      (METERS as readonly string[]).includes(meter) &&
      typeof rate === 'string' &&
      /^\d{1,16}$/.test(rate) &&
      BigInt(rate) <= RATE_PICO_MAX,
  );
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isBound = (value: unknown): boolean =>
  isMap(value) &&
  (value['of'] === 'prompt_tokens' || value['of'] === 'completion_tokens') &&
  ['>', '>=', '<', '<='].includes(value['op'] as string) &&
  Number.isSafeInteger(value['n']);
const isCard = (value: unknown): boolean =>
  isMap(value) &&
  isRates(value['rates']) &&
  Array.isArray(value['tiers']) &&
  value['tiers'].every(
    (tier) => isMap(tier) && Array.isArray(tier['when']) && tier['when'].every(isBound) && isRates(tier['rates']),
  );
const isDay = (value: unknown): boolean =>
  value === null || (typeof value === 'string' && !Number.isNaN(Date.parse(value)));

/** Reads a published record. `null` for anything that is not a whole and sound one. */
export function parsePriceRecord(text: string): PriceRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isMap(value) || !isCard(value)) return null;
  const texts = ['priceId', 'provider', 'model', 'currency', 'source'].every((key) => typeof value[key] === 'string');
  const tenant = value['tenantId'] === null || typeof value['tenantId'] === 'string';
  const mode = value['tierMode'] === 'rate_card' || value['tierMode'] === 'graduated';
  const cards = isMap(value['serviceTiers']) && Object.values(value['serviceTiers']).every(isCard);
  const { daily, fx } = value;
  const dailyFits =
    daily === null ||
    (isMap(daily) && Number.isSafeInteger(daily['fromSecond']) && Number.isSafeInteger(daily['toSecond']));
  const fxFits =
    fx === null || (isMap(fx) && /^\d+$/.test(String(fx['rateNano'])) && /^\d{4}-\d\d-\d\d$/.test(String(fx['date'])));
  const days = isDay(value['validFrom']) && isDay(value['validTo']);
  return texts && tenant && mode && cards && dailyFits && fxFits && days ? (value as unknown as PriceRecord) : null;
}
