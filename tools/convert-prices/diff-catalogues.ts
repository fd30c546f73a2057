import { picoToDecimal } from '#events/domain/money.js';
import type { CatalogueData, CatalogueModel } from '#pricing/domain/catalogue.js';
import type { PriceRecord, RateCard } from '#pricing/domain/price-record.js';

/** One rate of one price, per million units in the price's currency, as decimal text; `null` = there is none. */
export interface RateChange {
  /** `<provider>/<model>`. */
  readonly model: string;
  /** When the price holds: `always`, `from 2026-01-01`, … */
  readonly validity: string;
  /** Meter, with its tier or service tier in front: `output_text`, `prompt_tokens > 200000: input_uncached`. */
  readonly rate: string;
  readonly currency: string;
  readonly before: string | null;
  readonly after: string | null;
  /** With one decimal place; `null` where one side is missing or the former was 0. */
  readonly percent: number | null;
}

export interface CatalogueDiff {
  readonly sources: { readonly before: readonly string[]; readonly after: readonly string[] };
  readonly added: readonly { readonly model: string; readonly rates: Readonly<Record<string, string>> }[];
  readonly removed: readonly string[];
  readonly changed: readonly RateChange[];
  /** Prices of a known model for other times than before. */
  readonly validity: readonly {
    readonly model: string;
    readonly change: 'added' | 'removed';
    readonly validity: string;
    readonly rates: Readonly<Record<string, string>>;
  }[];
  /** Models that other names mean now, or whose tiers are charged in another way. */
  readonly rules: readonly {
    readonly model: string;
    readonly what: string;
    readonly before: string;
    readonly after: string;
  }[];
  readonly fx: readonly {
    readonly currency: string;
    readonly date: string;
    readonly before: string | null;
    readonly after: string | null;
  }[];
  /** Models without any change. */
  readonly unchanged: number;
}

const UNITS = 1_000_000n;
/** Beyond this factor a change is more often a slip of the catalogue than a price. */
const SUSPICIOUS = 2;

/** @returns a text that says why it is no catalogue. */
export function parseCatalogue(text: string): CatalogueData | string {
  try {
    const value = JSON.parse(text) as CatalogueData;
    const models = Object.values(value.providers).flatMap((provider) => provider.models);
    const whole =
      Array.isArray(value.sources) && models.every((model) => Array.isArray(model.records) && model.id !== '');
    return whole && typeof value.fx === 'object' ? value : 'it is no catalogue of prices';
  } catch {
    return 'it is no catalogue of prices';
  }
}

export function isEmptyDiff({ added, removed, changed, validity, rules, fx }: CatalogueDiff): boolean {
  return [added, removed, changed, validity, rules, fx].every((list) => list.length === 0);
}

/** What the second catalogue changes. Names of sources alone are no change. All lists are sorted. */
export function diffCatalogues(before: CatalogueData, after: CatalogueData): CatalogueDiff {
  const [old, now] = [modelsOf(before), modelsOf(after)];
  const changed: RateChange[] = [];
  const validity: CatalogueDiff['validity'][number][] = [];
  const rules: CatalogueDiff['rules'][number][] = [];
  let unchanged = 0;
  for (const [model, newer] of now) {
    const older = old.get(model);
    if (older === undefined) continue;
    const count = changed.length + validity.length + rules.length;
    compareRules(model, older, newer, rules);
    const [was, is] = [byValidity(older), byValidity(newer)];
    for (const [when, record] of is) {
      const former = was.get(when);
      if (former === undefined) validity.push({ model, change: 'added', validity: when, rates: shown(record) });
      else changed.push(...rateChanges(model, when, former, record));
    }
    for (const [when, record] of was) {
      if (!is.has(when)) validity.push({ model, change: 'removed', validity: when, rates: shown(record) });
    }
    if (count === changed.length + validity.length + rules.length) unchanged += 1;
  }
  return {
    sources: { before: before.sources, after: after.sources },
    added: [...now]
      .filter(([model]) => !old.has(model))
      .map(([model, { records }]) => ({ model, rates: records[0] === undefined ? {} : shown(records[0]) })),
    removed: [...old.keys()].filter((model) => !now.has(model)),
    changed,
    validity,
    rules,
    fx: fxChanges(before, after),
    unchanged,
  };
}

/** For people; a change by more than the double or the half is marked with `!`. */
export function showDiff(diff: CatalogueDiff): string {
  if (isEmptyDiff(diff)) return `No change in ${diff.unchanged} models.\n`;
  const lines = [`${diff.sources.before.join(', ')} → ${diff.sources.after.join(', ')} (per million units)`];
  for (const { model, rates: of } of diff.added) lines.push(`+ ${model}  ${listed(of)}`);
  for (const model of diff.removed) lines.push(`- ${model}`);
  for (const change of diff.changed) {
    const { model, validity, rate, before, after, percent, currency } = change;
    const share = percent === null ? '' : ` (${percent > 0 ? '+' : ''}${percent} %)`;
    const mark = isSuspicious(change) ? '!' : '~';
    lines.push(`${mark} ${model} ${validity}  ${rate} ${before ?? 'none'} → ${after ?? 'none'} ${currency}${share}`);
  }
  for (const { model, change, validity, rates: of } of diff.validity) {
    lines.push(`~ ${model}  price ${change}: ${validity}  ${listed(of)}`);
  }
  for (const { model, what, before, after } of diff.rules) lines.push(`~ ${model}  ${what}: ${before} → ${after}`);
  for (const { currency, date, before, after } of diff.fx) {
    lines.push(`~ ${currency} of ${date}: ${before ?? 'none'} → ${after ?? 'none'} USD`);
  }
  const marked = diff.changed.filter(isSuspicious).length;
  lines.push(
    `${diff.added.length} models added, ${diff.removed.length} removed, ${diff.changed.length} rates changed (${marked} by more than the double or the half), ${diff.validity.length} prices for other times, ${diff.rules.length} rules, ${diff.fx.length} exchange rates; ${diff.unchanged} models unchanged.`,
  );
  return `${lines.join('\n')}\n`;
}

function listed(rates: Readonly<Record<string, string>>): string {
  return Object.entries(rates)
    .map(([name, rate]) => `${name} ${rate}`)
    .join(', ');
}

function isSuspicious({ before, after }: RateChange): boolean {
  const [from, to] = [Number(before), Number(after)];
  if (before === null || after === null || from === 0 || to === 0) return true;
  return to / from > SUSPICIOUS || from / to > SUSPICIOUS;
}

function modelsOf({ providers }: CatalogueData): ReadonlyMap<string, CatalogueModel> {
  const models = Object.entries(providers).flatMap(([provider, { models: all }]) =>
    all.map((model): [string, CatalogueModel] => [`${provider}/${model.id}`, model]),
  );
  return new Map(models.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function byValidity({ records }: CatalogueModel): ReadonlyMap<string, PriceRecord> {
  return new Map(records.map((record) => [validityOf(record), record]));
}

function validityOf({ validFrom, validTo, daily }: PriceRecord): string {
  const days = [
    ...(validFrom === null ? [] : [`from ${validFrom.slice(0, 10)}`]),
    ...(validTo === null ? [] : [`to ${validTo.slice(0, 10)}`]),
    ...(daily === null ? [] : [`daily from ${clock(daily.fromSecond)} to ${clock(daily.toSecond)} UTC`]),
  ];
  return days.length === 0 ? 'always' : days.join(' ');
}

const clock = (second: number): string => new Date(second * 1_000).toISOString().slice(11, 19);

/** Every rate of a price by its name, in picos for one unit. */
function ratesOf(record: PriceRecord): ReadonlyMap<string, bigint> {
  const rates = new Map<string, bigint>();
  const add = (prefix: string, card: RateCard): void => {
    for (const [meter, rate] of Object.entries(card.rates)) rates.set(`${prefix}${meter}`, BigInt(rate));
    for (const { when, rates: of } of card.tiers) {
      const bounds = when.map((bound) => `${bound.of} ${bound.op} ${bound.n}`).join(' and ');
      for (const [meter, rate] of Object.entries(of)) rates.set(`${prefix}${bounds}: ${meter}`, BigInt(rate));
    }
  };
  add('', record);
  for (const [tier, card] of Object.entries(record.serviceTiers)) add(`${tier}: `, card);
  return rates;
}

const perMillion = (pico: bigint): string => picoToDecimal(pico * UNITS);

function shown(record: PriceRecord): Readonly<Record<string, string>> {
  return Object.fromEntries([...ratesOf(record)].map(([name, rate]) => [name, perMillion(rate)]));
}

function rateChanges(model: string, validity: string, before: PriceRecord, after: PriceRecord): readonly RateChange[] {
  const [old, now] = [ratesOf(before), ratesOf(after)];
  const moved = before.currency !== after.currency;
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((rate): readonly RateChange[] => {
    const [from, to] = [old.get(rate), now.get(rate)];
    if (from === to && !moved) return [];
    const currency = moved ? `${before.currency} → ${after.currency}` : after.currency;
    const comparable = !moved && from !== undefined && to !== undefined && from !== 0n;
    return [
      {
        model,
        validity,
        rate,
        currency,
        before: from === undefined ? null : perMillion(from),
        after: to === undefined ? null : perMillion(to),
        percent: comparable ? Number(((to - from) * 1_000n) / from) / 10 : null,
      },
    ];
  });
}

function compareRules(
  model: string,
  before: CatalogueModel,
  after: CatalogueModel,
  rules: CatalogueDiff['rules'][number][],
): void {
  const compare = (what: string, was: unknown, is: unknown): void => {
    const [old, now] = [JSON.stringify(was), JSON.stringify(is)];
    if (old !== now) rules.push({ model, what, before: old, after: now });
  };
  compare('match', before.match, after.match);
  const now = byValidity(after);
  for (const [when, record] of byValidity(before)) {
    const newer = now.get(when);
    if (newer !== undefined) compare(`tier_mode ${when}`, record.tierMode, newer.tierMode);
  }
}

function fxChanges(before: CatalogueData, after: CatalogueData): CatalogueDiff['fx'] {
  const [old, now] = [ratesByDay(before), ratesByDay(after)];
  return [...new Set([...old.keys(), ...now.keys()])].toSorted().flatMap((key) => {
    const [currency = '', date = ''] = key.split(' ');
    const [was = null, is = null] = [old.get(key), now.get(key)];
    return was === is ? [] : [{ currency, date, before: was, after: is }];
  });
}

function ratesByDay({ fx }: CatalogueData): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(fx).flatMap(([currency, all]) =>
      all.map(({ date, rateNano }): [string, string] => [
        `${currency} ${date}`,
        picoToDecimal(BigInt(rateNano) * 1_000n),
      ]),
    ),
  );
}
