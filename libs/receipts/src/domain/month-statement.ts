import { inputTokens, outputTokens } from '#events/domain/meters.js';
import { picoToDecimal } from '#events/domain/money.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { BookedAdjustment } from './booked-adjustment.js';
import { RERATED } from './effective-cost.js';
import { KnownSum } from './known-sum.js';

/**
 * Spend of one key at one model. Money is decimal text in US dollars; a sum leaves out what is unknown, the count beside
 * it says how many that were, and it is `null` when nothing of it is known.
 */
export interface StatementCharge {
  readonly api_key_id: string;
  readonly project_id: string;
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  /** Without a price at the end of the month: neither when sealed nor by a re-rating made in the month. */
  readonly unpriced_requests: number;
  readonly estimated_requests: number;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_usd: string | null;
  /** The same in the currencies that providers charge, by their codes; before corrections. */
  readonly cost_native: Readonly<Record<string, string>>;
  readonly wasted_usd: string | null;
  readonly wasted_unknown_requests: number;
  readonly avoided_usd: string | null;
  readonly avoided_unknown_requests: number;
}

/** Corrections made in the month, also of receipts that an earlier statement holds. */
export interface StatementAdjustment {
  readonly api_key_id: string;
  /** Month whose statement holds the receipts, `YYYY-MM`. */
  readonly of_month: string;
  readonly reason: string;
  readonly count: number;
  /** Requests among them that had no price before. */
  readonly newly_priced_requests: number;
  readonly delta_usd: string;
}

export interface TenantStatement {
  readonly tenant_id: string;
  readonly charges: readonly StatementCharge[];
  readonly adjustments: readonly StatementAdjustment[];
  readonly charges_usd: string;
  readonly adjustments_usd: string;
  readonly total_usd: string;
  readonly unpriced_requests: number;
}

interface Charge {
  readonly receipt: Receipt;
  requests: number;
  unpriced: number;
  estimated: number;
  input: bigint;
  output: bigint;
  readonly cost: KnownSum;
  readonly native: Map<string, bigint>;
  readonly wasted: KnownSum;
  readonly avoided: KnownSum;
}
interface Correction {
  readonly tenantId: string;
  readonly keyId: string;
  readonly ofMonth: string;
  readonly reason: string;
  count: number;
  newlyPriced: number;
  delta: bigint;
}

/**
 * Collects one month. A receipt belongs to the month in which it was sealed, a correction to the month in which it came
 * into the log: both are past when the month is over, so that the statement of a month that is over never changes.
 */
export class MonthStatement {
  readonly #charges = new Map<string, Charge>();
  readonly #corrections = new Map<string, Correction>();

  constructor(
    private readonly fromMs: number,
    private readonly toMs: number,
  ) {}

  /** @param adjustments all of the receipt; @returns was it of this month? */
  addReceipt(receipt: Receipt, adjustments: readonly BookedAdjustment[] = []): boolean {
    if (!this.#holds(receipt.sealedAt)) return false;
    const { tenantId, apiKeyId, projectId, provider, servedModel } = receipt;
    const key = JSON.stringify([tenantId, apiKeyId, projectId, provider, servedModel]);
    let charge = this.#charges.get(key);
    if (charge === undefined) {
      charge = {
        receipt,
        requests: 0,
        unpriced: 0,
        estimated: 0,
        input: 0n,
        output: 0n,
        cost: new KnownSum(),
        native: new Map(),
        wasted: new KnownSum(),
        avoided: new KnownSum(),
      };
      this.#charges.set(key, charge);
    }
    charge.requests += 1;
    const priced = receipt.costPicoUsd !== null || adjustments.some((one) => isRerated(one) && this.#isPast(one));
    if (!priced) charge.unpriced += 1;
    if (receipt.costStatus === 'estimated') charge.estimated += 1;
    charge.input += BigInt(inputTokens(receipt.meters));
    charge.output += BigInt(outputTokens(receipt.meters));
    charge.cost.add(receipt.costPicoUsd);
    charge.wasted.add(receipt.wastedPicoUsd);
    charge.avoided.add(receipt.avoidedPicoUsd);
    for (const { billed, currency, costNativePico } of receipt.attempts) {
      if (billed === 'no' || costNativePico === null) continue;
      charge.native.set(currency, (charge.native.get(currency) ?? 0n) + BigInt(costNativePico));
    }
    return true;
  }

  /**
   * @param receipt the corrected one; `null` when the log no longer has it.
   * @param earlier those of the receipt with a lower `seq`.
   */
  addAdjustment(
    adjustment: BookedAdjustment,
    receipt: Receipt | null,
    earlier: readonly BookedAdjustment[] = [],
  ): boolean {
    if (!this.#holds(adjustment.bookedAt)) return false;
    const keyId = receipt?.apiKeyId ?? '';
    const ofMonth = receipt?.sealedAt.slice(0, 7) ?? '';
    const { tenantId, reason } = adjustment;
    const key = JSON.stringify([tenantId, keyId, ofMonth, reason]);
    let correction = this.#corrections.get(key);
    if (correction === undefined) {
      correction = { tenantId, keyId, ofMonth, reason, count: 0, newlyPriced: 0, delta: 0n };
      this.#corrections.set(key, correction);
    }
    correction.count += 1;
    if (receipt?.costPicoUsd === null && isRerated(adjustment) && !earlier.some(isRerated)) correction.newlyPriced += 1;
    correction.delta += BigInt(adjustment.deltaPicoUsd);
    return true;
  }

  /** By tenant, each list in an order of its own contents: the same facts give the same bytes. */
  tenants(): readonly TenantStatement[] {
    const charges = sorted(this.#charges);
    const corrections = sorted(this.#corrections);
    const ids = [
      ...new Set([...charges.map(({ receipt }) => receipt.tenantId), ...corrections.map(({ tenantId }) => tenantId)]),
    ].sort();
    return ids.map((id) =>
      toTenant(
        id,
        charges.filter(({ receipt }) => receipt.tenantId === id),
        corrections.filter(({ tenantId }) => tenantId === id),
      ),
    );
  }

  #isPast({ bookedAt }: BookedAdjustment): boolean {
    return Date.parse(bookedAt) < this.toMs;
  }

  #holds(time: string): boolean {
    const ms = Date.parse(time);
    return ms >= this.fromMs && ms < this.toMs;
  }
}

function toTenant(tenantId: string, charges: readonly Charge[], corrections: readonly Correction[]): TenantStatement {
  const charged = charges.reduce((total, { cost }) => total + cost.known, 0n);
  const corrected = corrections.reduce((total, { delta }) => total + delta, 0n);
  return {
    tenant_id: tenantId,
    charges: charges.map(toCharge),
    adjustments: corrections.map((one) => ({
      api_key_id: one.keyId,
      of_month: one.ofMonth,
      reason: one.reason,
      count: one.count,
      newly_priced_requests: one.newlyPriced,
      delta_usd: picoToDecimal(one.delta),
    })),
    charges_usd: picoToDecimal(charged),
    adjustments_usd: picoToDecimal(corrected),
    total_usd: picoToDecimal(charged + corrected),
    unpriced_requests: charges.reduce((total, { unpriced }) => total + unpriced, 0),
  };
}

function toCharge(charge: Charge): StatementCharge {
  const { receipt } = charge;
  return {
    api_key_id: receipt.apiKeyId,
    project_id: receipt.projectId,
    provider: receipt.provider ?? '',
    model: receipt.servedModel ?? '',
    requests: charge.requests,
    unpriced_requests: charge.unpriced,
    estimated_requests: charge.estimated,
    input_tokens: charge.input.toString(),
    output_tokens: charge.output.toString(),
    cost_usd: charge.cost.decimal(),
    cost_native: Object.fromEntries(
      [...charge.native].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, sum]) => [code, picoToDecimal(sum)]),
    ),
    wasted_usd: charge.wasted.decimal(),
    wasted_unknown_requests: charge.wasted.unknown,
    avoided_usd: charge.avoided.decimal(),
    avoided_unknown_requests: charge.avoided.unknown,
  };
}

const isRerated = ({ reason }: BookedAdjustment): boolean => reason === RERATED;

const sorted = <T>(map: ReadonlyMap<string, T>): readonly T[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
