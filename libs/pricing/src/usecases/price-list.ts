import type { PricedAttempt } from '#events/domain/attempt.js';
import { METERS } from '#events/domain/meters.js';
import { picoToDecimal } from '#events/domain/money.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { catalogueProviderOf, catalogueRecords, type CatalogueData } from '../domain/catalogue.js';
import { priceCeiling, type PriceCeiling } from '../domain/price-ceiling.js';
import { matchesPattern } from '../domain/model-match.js';
import { parsePriceRecord, priceRecordText, type PriceRecord } from '../domain/price-record.js';
import { priceUsage, US_DOLLAR, type ExchangeRate } from '../domain/price-usage.js';
import type { PriceBook, PriceQuestion } from '../ports/price-book.js';

const DAY_SECONDS = 86_400;
const RESOLVED_MAX = 5000;

/** The source of records that an operator published; others in the log are texts that receipts have used. */
export const PUBLISHED = 'published';

/** A record made ready: dates as numbers, the hash made when it is first needed. */
interface Ready {
  readonly record: PriceRecord;
  readonly fromMs: number;
  readonly toMs: number;
  text: string | null;
  hash: string | null;
}

export interface PriceListParts {
  /** The operator's own records, in order of precedence within equal models: by `validFrom`. */
  readonly own: readonly PriceRecord[];
  readonly catalogue: CatalogueData;
  /** sha256 as lower-case hex. */
  readonly hash: (text: string) => string;
}

/** The price book over own records, published ones and the catalogue, in this order. */
export function createPriceList({ own, catalogue, hash }: PriceListParts): PriceBook {
  return new PriceList(own, catalogue, hash);
}

class PriceList implements PriceBook {
  readonly #own: Map<string, Ready[]>;
  readonly #published = new Map<string, Ready[]>();
  readonly #resolved = new Map<string, readonly (readonly Ready[])[]>();
  readonly #byHash = new Map<string, Ready>();
  #ceiling: PriceCeiling | null = null;
  #count: number;

  constructor(
    own: readonly PriceRecord[],
    private readonly catalogue: CatalogueData,
    private readonly hash: (text: string) => string,
  ) {
    this.#own = Map.groupBy(own.map(ready).sort(byStart), ({ record }) => record.provider);
    for (const entry of [...this.#own.values()].flat()) this.hashOf(entry);
    this.#count = own.length;
    for (const provider of Object.values(catalogue.providers)) {
      for (const model of provider.models) this.#count += model.records.length;
    }
  }

  get recordCount(): number {
    return this.#count;
  }

  price(question: PriceQuestion): PricedAttempt {
    if (question.billed === 'no') return UNBILLED;
    const found = this.find(question.provider, question.providerKind, question.model, question.tenantId, question.atMs);
    if (found === null) return withoutPrice(question);
    const { record } = found;
    const fx = this.fxFor(record, question.atMs);
    const hash = this.hashOf(found);
    if (fx === null) return { ...withoutPrice(question), currency: record.currency, priceId: record.priceId };
    if (question.usageSource === 'none') return withoutUsage(question, record, hash, fx);
    const exact = question.usageSource === 'provider' && question.billed === 'yes';
    const priced = priceUsage(record, hash, question.meters, question.serviceTier, exact, fx);
    return priced.costStatus === 'unpriced' && question.providerCostPicoUsd !== null ? withoutPrice(question) : priced;
  }

  rates(provider: string, providerKind: string, model: string, atMs: number): Readonly<Record<string, string>> | null {
    const found = this.find(provider, providerKind, model, '', atMs);
    if (found === null) return null;
    const { record } = found;
    const shown: Record<string, string> = {};
    for (const meter of METERS) {
      const rate = record.rates[meter];
      if (rate !== undefined) shown[meter] = picoToDecimal(BigInt(rate) * 1_000_000n);
    }
    if (record.currency !== 'USD') shown['currency'] = record.currency;
    return shown;
  }

  apply(event: RouterEvent): boolean {
    if (event.type !== 'nextmodel.price.published.v1') return true;
    const { record: text, priceHash } = event.data;
    const record = parsePriceRecord(text);
    if (record === null || this.hash(text) !== priceHash) return false;
    if (this.#byHash.get(priceHash)?.record.source === record.source) return true;
    const entry: Ready = { ...ready(record), text, hash: priceHash };
    this.#byHash.set(priceHash, entry);
    if (record.source !== PUBLISHED) return true;
    const list = [...(this.#published.get(record.provider) ?? []), entry].sort(byStart);
    this.#published.set(record.provider, list);
    this.#count += 1;
    this.#resolved.clear();
    this.#ceiling = null;
    return true;
  }

  ceiling(atMs: number): PriceCeiling {
    return (this.#ceiling ??= priceCeiling(this.#allRecords(), (record) => this.fxFor(record, atMs)));
  }

  *#allRecords(): Generator<PriceRecord> {
    for (const source of [this.#own, this.#published]) {
      for (const list of source.values()) for (const { record } of list) yield record;
    }
    for (const { models } of Object.values(this.catalogue.providers)) {
      for (const { records } of models) yield* records;
    }
  }

  recordText(priceHash: string): string | null {
    return this.#byHash.get(priceHash)?.text ?? null;
  }

  private find(provider: string, kind: string, model: string, tenantId: string, atMs: number): Ready | null {
    const key = `${provider}\n${kind}\n${tenantId}\n${model}`;
    let layers = this.#resolved.get(key);
    if (layers === undefined) {
      if (this.#resolved.size >= RESOLVED_MAX) this.#resolved.clear();
      layers = this.resolve(provider, kind, model, tenantId);
      this.#resolved.set(key, layers);
    }
    for (const layer of layers) {
      const valid = layer.findLast((entry) => isValid(entry, atMs));
      if (valid !== undefined) return valid;
    }
    return null;
  }

  private resolve(provider: string, kind: string, model: string, tenantId: string): readonly (readonly Ready[])[] {
    const layers: (readonly Ready[])[] = [];
    for (const source of [this.#own, this.#published]) {
      const records = source.get(provider) ?? [];
      layers.push(
        ofModel(
          records.filter(({ record }) => record.tenantId === tenantId),
          model,
        ),
        ofModel(
          records.filter(({ record }) => record.tenantId === null),
          model,
        ),
      );
    }
    const listed = catalogueProviderOf(this.catalogue, provider, kind);
    if (listed !== null) layers.push(catalogueRecords(this.catalogue, listed, model).map(ready));
    return layers.filter((layer) => layer.length > 0);
  }

  private fxFor(record: PriceRecord, atMs: number): ExchangeRate | null {
    if (record.currency === 'USD') return US_DOLLAR;
    if (record.fx !== null) return { rateNano: BigInt(record.fx.rateNano), date: record.fx.date };
    const days = Object.hasOwn(this.catalogue.fx, record.currency) ? this.catalogue.fx[record.currency] : undefined;
    const today = new Date(atMs).toISOString().slice(0, 10);
    const day = days?.findLast(({ date }) => date <= today) ?? days?.[0];
    return day === undefined ? null : { rateNano: BigInt(day.rateNano), date: day.date };
  }

  private hashOf(entry: Ready): string {
    if (entry.hash === null) {
      entry.text = priceRecordText(entry.record);
      entry.hash = this.hash(entry.text);
      this.#byHash.set(entry.hash, entry);
    }
    return entry.hash;
  }
}

function ready(record: PriceRecord): Ready {
  return {
    record,
    fromMs: record.validFrom === null ? -Infinity : Date.parse(record.validFrom),
    toMs: record.validTo === null ? Infinity : Date.parse(record.validTo),
    text: null,
    hash: null,
  };
}
const byStart = (a: Ready, b: Ready): number => (a.fromMs === b.fromMs ? 0 : a.fromMs - b.fromMs);

/** The exact name, or else the longest pattern that fits. */
function ofModel(records: readonly Ready[], model: string): readonly Ready[] {
  const exact = records.filter(({ record }) => record.model === model);
  if (exact.length > 0) return exact;
  const patterns = records.filter(({ record }) => record.model.includes('*') && matchesPattern(record.model, model));
  const longest = Math.max(0, ...patterns.map(({ record }) => record.model.length));
  return patterns.filter(({ record }) => record.model.length === longest);
}

function isValid({ record, fromMs, toMs }: Ready, atMs: number): boolean {
  if (atMs < fromMs || atMs >= toMs) return false;
  if (record.daily === null) return true;
  const { fromSecond, toSecond } = record.daily;
  const second = Math.floor(atMs / 1000) % DAY_SECONDS;
  return toSecond < fromSecond ? second >= fromSecond || second < toSecond : second >= fromSecond && second < toSecond;
}

const NO_RECORD = {
  lines: [],
  priceId: null,
  priceHash: null,
  currency: 'USD',
  fxRateNano: '1000000000',
  fxDate: null,
};

/** The provider surely charged nothing: zero is the exact cost. */
const UNBILLED: PricedAttempt = { ...NO_RECORD, costStatus: 'exact', costPicoUsd: '0', costNativePico: '0' };

/** No price of ours: what the provider itself reported, or nothing known at all. */
function withoutPrice({ providerCostPicoUsd }: PriceQuestion): PricedAttempt {
  return providerCostPicoUsd === null
    ? { ...NO_RECORD, costStatus: 'unpriced', costPicoUsd: null, costNativePico: null }
    : {
        ...NO_RECORD,
        costStatus: 'provider_reported',
        costPicoUsd: providerCostPicoUsd,
        costNativePico: providerCostPicoUsd,
      };
}

/**
 * A price, but no usage. Where it is not even known whether the provider charged (a timeout after sending), zero is the
 * lower bound and says that it is estimated. Where it did charge, the amount is unknown.
 */
function withoutUsage(question: PriceQuestion, record: PriceRecord, hash: string, fx: ExchangeRate): PricedAttempt {
  if (question.billed === 'yes' || question.providerCostPicoUsd !== null) return withoutPrice(question);
  return {
    costStatus: 'estimated',
    lines: [],
    costPicoUsd: '0',
    costNativePico: '0',
    priceId: record.priceId,
    priceHash: hash,
    currency: record.currency,
    fxRateNano: fx.rateNano.toString(),
    fxDate: fx.date,
  };
}
