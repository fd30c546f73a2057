import { METERS, type Meter } from '#events/domain/meters.js';
import type { LocatedValue } from '#config/domain/located-value.js';
import { Section, type ProblemSink } from '#config/domain/section.js';
import { exactDecimal } from './exact-decimal.js';
import {
  RATE_PICO_MAX,
  type PriceRecord,
  type PriceTier,
  type RateCard,
  type Rates,
  type TierBound,
} from './price-record.js';

const ENTRY_FIELDS = [
  'provider',
  'model',
  'tenant',
  'currency',
  'valid_from',
  'valid_to',
  'usd_per_million',
  'per_million',
  'tier_mode',
  'tiers',
  'service_tiers',
  'fx_usd_per_unit',
  'fx_date',
];
const CARD_FIELDS = ['usd_per_million', 'per_million', 'tiers'];
const TIER_FIELDS = ['when', 'usd_per_million', 'per_million'];
const BOUNDS = ['prompt_tokens', 'completion_tokens'] as const;
const OPERATORS = ['>', '>=', '<', '<='] as const;

/**
 * Reads a list of prices: `prices.yaml` or a hand-kept part of the catalogue. Rates are decimals per million units,
 * taken digit by digit. All problems go to the sink with their place; entries with problems are left out.
 * @param source goes into the records and their ids.
 * @param currencies those with a known rate to US dollars.
 */
export function parsePriceFile(
  root: LocatedValue,
  source: string,
  currencies: ReadonlySet<string>,
  sink: ProblemSink,
): readonly PriceRecord[] {
  const list: LocatedValue =
    root.kind === 'list'
      ? { kind: 'map', line: root.line, entries: new Map([['prices', { keyLine: root.line, value: root }]]) }
      : root;
  const file = Section.of(list, '', ['prices'], sink);
  const placed: { readonly record: PriceRecord; readonly section: Section }[] = [];
  for (const section of file.sections('prices', ENTRY_FIELDS)) {
    const before = sink.problems.length;
    const record = parseEntry(section, source, currencies);
    if (sink.problems.length === before) placed.push({ record, section });
  }
  checkOverlaps(placed);
  return placed.map(({ record }) => record);
}

function parseEntry(section: Section, source: string, currencies: ReadonlySet<string>): PriceRecord {
  const provider = section.requiredString('provider');
  const model = section.requiredString('model');
  const tenantId = section.string('tenant');
  const currency = section.string('currency') ?? 'USD';
  const fx = parseFx(section, currency);
  if (!/^[A-Z]{3}$/.test(currency)) section.report('currency', 'must be an ISO 4217 code such as USD or CNY');
  else if (fx === null && currency !== 'USD' && !currencies.has(currency)) {
    section.report('currency', `no rate for ${currency} is known: give fx_usd_per_unit and fx_date`);
  }
  const validFrom = parseDay(section, 'valid_from');
  const validTo = parseDay(section, 'valid_to');
  if (validFrom !== null && validTo !== null && validTo <= validFrom) {
    section.report('valid_to', 'must be after valid_from');
  }
  const card = parseCard(section, currency);
  const serviceTiers: Record<string, RateCard> = {};
  const services = section.section('service_tiers', null);
  for (const name of services.names) serviceTiers[name] = parseCard(services.section(name, CARD_FIELDS), currency);
  const scope = tenantId === null ? '' : `;tenant=${tenantId}`;
  return {
    priceId: `${source}:${provider}/${model}@${validFrom?.slice(0, 10) ?? 'always'}${scope}`,
    provider,
    model,
    tenantId,
    currency,
    validFrom,
    validTo,
    daily: null,
    source,
    rates: card.rates,
    tierMode: section.oneOf('tier_mode', ['rate_card', 'graduated'], 'rate_card'),
    tiers: card.tiers,
    serviceTiers,
    fx,
  };
}

function parseFx(section: Section, currency: string): PriceRecord['fx'] {
  const text = section.string('fx_usd_per_unit');
  const date = parseDay(section, 'fx_date');
  if (text === null && date === null) return null;
  const rateNano = text === null ? null : exactDecimal(text, 9);
  if (rateNano === null || rateNano <= 0n || date === null || currency === 'USD') {
    section.report('fx_usd_per_unit', 'needs a number above 0 with at most nine places, an fx_date, and a currency');
    return null;
  }
  return { rateNano: rateNano.toString(), date: date.slice(0, 10) };
}

function parseDay(section: Section, field: string): string | null {
  const text = section.string(field);
  if (text === null) return null;
  const full = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00.000Z` : text;
  const time = /^\d{4}-\d\d-\d\dT/.test(full) ? Date.parse(full) : Number.NaN;
  const iso = Number.isNaN(time) ? null : new Date(time).toISOString();
  if (iso !== null && iso.slice(0, 10) === full.slice(0, 10)) return iso;
  section.report(field, 'must be a day such as 2026-01-01, or an ISO 8601 time in UTC');
  return null;
}

function parseCard(section: Section, currency: string): RateCard {
  const rates = parseRates(section, currency);
  const tiers = section.sections('tiers', TIER_FIELDS).map((tier): PriceTier => {
    const own = parseRates(tier, currency);
    const missing = Object.keys(rates).filter((meter) => !Object.hasOwn(own, meter) && !meter.endsWith('request'));
    const priced = missing.filter((meter) => meter !== 'web_search');
    if (priced.length > 0) {
      tier.report('', `a tier names every token rate of the base card; missing: ${priced.join(', ')}`, tier.line);
    }
    return { when: parseBounds(tier.section('when', BOUNDS)), rates: own };
  });
  return { rates, tiers };
}

function parseBounds(when: Section): readonly TierBound[] {
  const bounds = BOUNDS.filter((name) => when.has(name)).map((of): TierBound => {
    const bound = when.section(of, ['op', 'n']);
    if (!bound.has('n')) bound.report('n', '"n" is missing', when.lineOf(of));
    return { of, op: bound.oneOf('op', OPERATORS, '>'), n: bound.number('n', 0, { min: 0, integer: true }) };
  });
  if (bounds.length === 0) when.report('', 'a tier needs when: { prompt_tokens: { op: ">", n: 32000 } }', when.line);
  return bounds;
}

function parseRates(section: Section, currency: string): Rates {
  const field = section.has('usd_per_million') ? 'usd_per_million' : 'per_million';
  if (section.has('usd_per_million') && (currency !== 'USD' || section.has('per_million'))) {
    section.report('usd_per_million', 'stands alone and with currency USD; use per_million for other currencies');
  }
  const given = section.section(field, METERS);
  if (given.names.length === 0) section.report(field, 'needs at least one rate');
  const rates: { [M in Meter]?: string } = {};
  for (const meter of METERS) {
    const text = given.string(meter);
    if (text === null) continue;
    const rate = exactDecimal(text, 6);
    if (rate === null) given.report(meter, `"${text}" is no decimal number, or finer than 0.000001 per million`);
    else if (rate < 0n) given.report(meter, 'a rate is not negative');
    else if (rate > RATE_PICO_MAX) given.report(meter, `"${text}" per million is more than 1000 for a single unit`);
    else rates[meter] = rate.toString();
  }
  return rates;
}

/** Open records are ended by the next one; equal starts and ends beyond the next start are contradictions. */
function checkOverlaps(placed: readonly { readonly record: PriceRecord; readonly section: Section }[]): void {
  const groups = Map.groupBy(placed, ({ record: { provider, model, tenantId } }) =>
    JSON.stringify([provider, model, tenantId]),
  );
  for (const group of groups.values()) {
    const ordered = [...group].sort((a, b) => start(a.record).localeCompare(start(b.record)));
    for (const [index, { record, section }] of ordered.entries()) {
      const sameStart = index > 0 && start(ordered[index - 1]!.record) === start(record);
      const ended = ordered.slice(0, index).filter((one) => one.record.validTo !== null);
      const before = sameStart ? ordered[index - 1] : ended.find((one) => one.record.validTo! > start(record));
      if (before !== undefined) {
        section.report('valid_from', `overlaps the price of line ${before.section.line} for the same model`);
      }
    }
  }
}
const start = (record: PriceRecord): string => record.validFrom ?? '';
