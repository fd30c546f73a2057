import type { AttemptLine, MeterLine } from '#events/domain/attempt.js';
import { picoToDecimal } from '#events/domain/money.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { BookedAdjustment } from './booked-adjustment.js';
import { divideHalfEven } from '#pricing/domain/exact-decimal.js';

/** Columns of FOCUS 1.2 in alphabetical order, then ours (`x_`). */
export const FOCUS_COLUMNS = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingCategory',
  'PricingCurrency',
  'PricingCurrencyContractedUnitPrice',
  'PricingCurrencyEffectiveCost',
  'PricingCurrencyListUnitPrice',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'ServiceCategory',
  'ServiceName',
  'ServiceSubcategory',
  'SkuId',
  'SkuMeter',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'Tags',
  'x_ApiKeyId',
  'x_ConsumedTokens',
  'x_CostStatus',
] as const;
export type FocusColumn = (typeof FOCUS_COLUMNS)[number];
export type FocusRow = Readonly<Record<FocusColumn, string | null>>;

/** One row while it grows: a day, a key, a model, a meter and a price. */
interface Bucket {
  readonly day: string;
  readonly receipt: Pick<Receipt, 'tenantId' | 'projectId' | 'apiKeyId'>;
  readonly attempt: AttemptLine | null;
  readonly line: MeterLine | null;
  readonly reason: string | null;
  /** Of a correction: does it correct a month before its own? */
  readonly late: boolean;
  quantity: bigint;
  native: bigint;
  usd: bigint;
}

const DAY_MS = 86_400_000;
const NANO = 1_000_000_000n;
/** What was billed is on the provider's invoice. */
const BILLED = '0';

/** Turns receipts and corrections into rows; `EffectiveCost` sums up to the receipts, to the picodollar. */
export class FocusRows {
  readonly #buckets = new Map<string, Bucket>();

  addReceipt(receipt: Receipt): void {
    const day = receipt.acceptedAt.slice(0, 10);
    for (const attempt of receipt.attempts) {
      if (attempt.billed === 'no') continue;
      if (attempt.lines.length === 0) this.#addUnlined(day, receipt, attempt);
      const fx = BigInt(attempt.fxRateNano);
      let left = BigInt(attempt.costPicoUsd ?? '0');
      for (const [at, line] of attempt.lines.entries()) {
        // Dollars are rounded once on the attempt; the last line takes what is left of it.
        const amount = BigInt(line.amountPico);
        const usd = at === attempt.lines.length - 1 ? left : divideHalfEven(amount * fx, NANO);
        left -= usd;
        this.#add({ day, receipt, attempt, line, reason: null, late: false }, BigInt(line.quantity), amount, usd);
      }
    }
  }

  addAdjustment(adjustment: BookedAdjustment, receipt: Receipt): void {
    const day = adjustment.bookedAt.slice(0, 10);
    const delta = BigInt(adjustment.deltaPicoUsd);
    const late = receipt.acceptedAt.slice(0, 7) < day.slice(0, 7);
    this.#add({ day, receipt, attempt: null, line: null, reason: adjustment.reason, late }, 0n, delta, delta);
  }

  rows(): readonly FocusRow[] {
    return [...this.#buckets].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, bucket]) => toRow(bucket));
  }

  /** No price of ours: what the provider reported, or nothing known. Its tokens are told all the same. */
  #addUnlined(day: string, receipt: Receipt, attempt: AttemptLine): void {
    const tokens = Object.values(attempt.meters).reduce((total, quantity) => total + quantity, 0);
    const cost = BigInt(attempt.costPicoUsd ?? '0');
    this.#add({ day, receipt, attempt, line: null, reason: null, late: false }, BigInt(tokens), cost, cost);
  }

  #add(of: Omit<Bucket, 'quantity' | 'native' | 'usd'>, quantity: bigint, native: bigint, usd: bigint): void {
    const { day, receipt, attempt, line, reason, late } = of;
    const key = JSON.stringify([
      day,
      receipt.tenantId,
      receipt.projectId,
      receipt.apiKeyId,
      attempt?.provider,
      attempt?.model,
      line?.meter,
      line?.ratePico,
      attempt?.priceHash,
      attempt?.fxRateNano,
      attempt?.costStatus,
      reason,
      late,
    ]);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, (bucket = { ...of, quantity: 0n, native: 0n, usd: 0n }));
    bucket.quantity += quantity;
    bucket.native += native;
    bucket.usd += usd;
  }
}

function toRow(bucket: Bucket): FocusRow {
  const { day, receipt, attempt, line, reason, late, quantity, native, usd } = bucket;
  const month = `${day.slice(0, 7)}-01T00:00:00Z`;
  const unit = line === null ? null : unitOf(line.meter);
  const currency = attempt?.currency ?? 'USD';
  const rate = line === null ? null : BigInt(line.ratePico);
  const listUsd = rate === null ? null : rate * BigInt(attempt?.fxRateNano ?? '0');
  // Without a unit price the specification wants what is billed here.
  const listCost = listUsd === null ? BILLED : decimal(listUsd * quantity, 21);
  const model = attempt === null ? '' : `${attempt.provider}/${attempt.model}`;
  return {
    BilledCost: BILLED,
    BillingAccountId: receipt.tenantId,
    BillingAccountName: receipt.tenantId,
    BillingCurrency: 'USD',
    BillingPeriodEnd: nextMonth(month),
    BillingPeriodStart: month,
    // Usage must have a price and a quantity; what has none of ours is neither left out nor made up.
    ChargeCategory: line !== null || late ? 'Usage' : 'Adjustment',
    ChargeClass: late ? 'Correction' : null,
    ChargeDescription:
      reason === null ? `${model} ${line?.meter ?? 'without a price of ours'}` : `Correction: ${reason}`,
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: isoDay(Date.parse(day) + DAY_MS),
    ChargePeriodStart: isoDay(Date.parse(day)),
    ConsumedQuantity: line === null ? null : quantity.toString(),
    ConsumedUnit: unit,
    ContractedCost: listCost,
    ContractedUnitPrice: listUsd === null ? null : decimal(listUsd, 21),
    EffectiveCost: picoToDecimal(usd),
    InvoiceIssuerName: attempt?.provider ?? 'nextmodel',
    ListCost: listCost,
    ListUnitPrice: listUsd === null ? null : decimal(listUsd, 21),
    PricingCategory: line === null ? null : 'Standard',
    PricingCurrency: currency,
    PricingCurrencyContractedUnitPrice: rate === null ? null : picoToDecimal(rate),
    PricingCurrencyEffectiveCost: picoToDecimal(native),
    PricingCurrencyListUnitPrice: rate === null ? null : picoToDecimal(rate),
    PricingQuantity: line === null ? null : quantity.toString(),
    PricingUnit: unit,
    ProviderName: attempt?.provider ?? 'nextmodel',
    PublisherName: attempt?.provider ?? 'nextmodel',
    ServiceCategory: 'AI and Machine Learning',
    ServiceName: attempt?.model ?? 'nextmodel',
    ServiceSubcategory: 'Generative AI',
    SkuId: line === null ? null : `${model}/${line.meter}`,
    SkuMeter: line?.meter ?? null,
    SkuPriceId: line === null ? null : (attempt?.priceHash ?? null),
    SubAccountId: receipt.projectId,
    SubAccountName: receipt.projectId,
    Tags: JSON.stringify({ api_key_id: receipt.apiKeyId }),
    x_ApiKeyId: receipt.apiKeyId,
    x_ConsumedTokens: quantity.toString(),
    x_CostStatus: reason === null ? (attempt?.costStatus ?? null) : null,
  };
}

const unitOf = (meter: string): string =>
  meter === 'request' ? 'Requests' : meter === 'web_search' ? 'Searches' : 'Tokens';
const isoDay = (ms: number): string => `${new Date(ms).toISOString().slice(0, 10)}T00:00:00Z`;

function nextMonth(start: string): string {
  const date = new Date(start);
  return isoDay(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1));
}

/** An integer of 10^-places as plain decimal text. */
function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return `${digits.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`;
}
