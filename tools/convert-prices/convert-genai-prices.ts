import type { ModelInfo, ModelPrice, Provider } from '@pydantic/genai-prices';
import type { CatalogueModel, CatalogueProvider } from '#pricing/domain/catalogue.js';
import { roundedDecimal } from '#pricing/domain/exact-decimal.js';
import type { ModelMatch } from '#pricing/domain/model-match.js';
import type { PriceRecord, PriceTier, Rates } from '#pricing/domain/price-record.js';
import type { Meter } from '#events/domain/meters.js';

/** Their price keys → our meters, with the decimal shift from their unit to one of ours. */
const KEYS: Readonly<Record<string, { readonly meter: Meter; readonly places: number }>> = {
  input_mtok: { meter: 'input_uncached', places: 6 },
  cache_read_mtok: { meter: 'input_cache_read', places: 6 },
  cache_write_mtok: { meter: 'input_cache_write_5m', places: 6 },
  cache_write_1h_mtok: { meter: 'input_cache_write_1h', places: 6 },
  input_audio_mtok: { meter: 'input_audio', places: 6 },
  cache_audio_read_mtok: { meter: 'input_audio_cache_read', places: 6 },
  input_image_mtok: { meter: 'input_image', places: 6 },
  output_mtok: { meter: 'output_text', places: 6 },
  output_reasoning_mtok: { meter: 'output_reasoning', places: 6 },
  output_audio_mtok: { meter: 'output_audio', places: 6 },
  output_image_mtok: { meter: 'output_image', places: 6 },
  web_searches_kcount: { meter: 'web_search', places: 9 },
  requests_kcount: { meter: 'request', places: 9 },
};

/** One provider of `@pydantic/genai-prices`; models without a token price are left out. */
export function convertProvider(provider: Provider, source: string): CatalogueProvider {
  const models = provider.models.flatMap((model) => {
    const converted = convertModel(provider.id, model, source);
    return converted === null ? [] : [converted];
  });
  return { also: provider.fallback_model_providers ?? [], models };
}

function convertModel(provider: string, model: ModelInfo, source: string): CatalogueModel | null {
  const prices = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  const records = prices.map(({ constraint, prices: rates }, index): PriceRecord => {
    const first = index === 0;
    const validFrom = !first && constraint?.type === 'start_date' ? `${constraint.start_date}T00:00:00.000Z` : null;
    const daily =
      !first && constraint?.type === 'time_of_date'
        ? { fromSecond: secondOf(constraint.start_time), toSecond: secondOf(constraint.end_time) }
        : null;
    const when = validFrom?.slice(0, 10) ?? 'always';
    const hours = daily === null ? '' : `;daily=${daily.fromSecond}-${daily.toSecond}`;
    return {
      priceId: `${source}:${provider}/${model.id}@${when}${hours}`,
      provider,
      model: model.id,
      tenantId: null,
      currency: 'USD',
      validFrom,
      validTo: null,
      daily,
      source,
      rates: baseRates(rates),
      tierMode: 'rate_card',
      tiers: tiersOf(rates),
      serviceTiers: {},
      fx: null,
    };
  });
  const priced = records.some(({ rates }) => rates.input_uncached !== undefined || rates.output_text !== undefined);
  return priced ? { id: model.id, match: model.match as ModelMatch, records } : null;
}

function baseRates(price: ModelPrice): Rates {
  return ratesAt(price, -1);
}

/** Rates of all meters for a prompt beyond `start`. */
function ratesAt(price: ModelPrice, start: number): Rates {
  const rates: { [M in Meter]?: string } = {};
  for (const [key, { meter, places }] of Object.entries(KEYS)) {
    const value = price[key];
    if (value === undefined) continue;
    const number =
      typeof value === 'number' ? value : (value.tiers.findLast((tier) => tier.start <= start)?.price ?? value.base);
    const rate = roundedDecimal(String(number), places);
    if (rate !== null && rate >= 0n) rates[meter] = rate.toString();
  }
  return rates;
}

function tiersOf(price: ModelPrice): readonly PriceTier[] {
  const starts = Object.keys(KEYS).flatMap((key) => {
    const value = price[key];
    return typeof value === 'object' ? value.tiers.map((tier) => tier.start) : [];
  });
  return [...new Set(starts)]
    .sort((a, b) => a - b)
    .map((n) => ({ when: [{ of: 'prompt_tokens', op: '>', n }], rates: ratesAt(price, n) }));
}

/** `16:30:00Z` → seconds of the UTC day. */
function secondOf(time: string): number {
  const match = /^(\d\d):(\d\d)(?::(\d\d))?(Z|\+00:00)?$/.exec(time);
  if (match === null) throw new Error(`unknown time of day ${time}`);
  return Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? '0');
}
