import { inputTokens, outputTokens } from '#events/domain/meters.js';
import { picoToDecimal } from '#events/domain/money.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';

/** Spend of one key at one model. Money is decimal text in US dollars. */
export interface StatementCharge {
  readonly api_key_id: string;
  readonly project_id: string;
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  readonly unpriced_requests: number;
  readonly estimated_requests: number;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_usd: string;
  readonly wasted_usd: string;
  readonly avoided_usd: string;
}

/** Corrections made in the month, also of receipts that an earlier statement holds. */
export interface StatementAdjustment {
  readonly api_key_id: string;
  /** Month whose statement holds the receipts, `YYYY-MM`. */
  readonly of_month: string;
  readonly reason: string;
  readonly count: number;
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
  cost: bigint;
  wasted: bigint;
  avoided: bigint;
}
interface Correction {
  readonly tenantId: string;
  readonly keyId: string;
  readonly ofMonth: string;
  readonly reason: string;
  count: number;
  delta: bigint;
}

/**
 * Collects one month. A receipt belongs to the month in which it was sealed, a correction to the month in which it was
 * made: both are past when the month is over, so that the statement of a month that is over never changes.
 */
export class MonthStatement {
  readonly #charges = new Map<string, Charge>();
  readonly #corrections = new Map<string, Correction>();

  constructor(
    private readonly fromMs: number,
    private readonly toMs: number,
  ) {}

  /** @returns was it of this month? */
  addReceipt(receipt: Receipt): boolean {
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
        cost: 0n,
        wasted: 0n,
        avoided: 0n,
      };
      this.#charges.set(key, charge);
    }
    charge.requests += 1;
    if (receipt.costPicoUsd === null) charge.unpriced += 1;
    if (receipt.costStatus === 'estimated') charge.estimated += 1;
    charge.input += BigInt(inputTokens(receipt.meters));
    charge.output += BigInt(outputTokens(receipt.meters));
    charge.cost += BigInt(receipt.costPicoUsd ?? '0');
    charge.wasted += BigInt(receipt.wastedPicoUsd ?? '0');
    charge.avoided += BigInt(receipt.avoidedPicoUsd ?? '0');
    return true;
  }

  /** @param receipt the corrected one; `null` when the log no longer has it. */
  addAdjustment(adjustment: ReceiptAdjusted, receipt: Receipt | null): boolean {
    if (!this.#holds(adjustment.adjustedAt)) return false;
    const keyId = receipt?.apiKeyId ?? '';
    const ofMonth = receipt?.sealedAt.slice(0, 7) ?? '';
    const { tenantId, reason } = adjustment;
    const key = JSON.stringify([tenantId, keyId, ofMonth, reason]);
    let correction = this.#corrections.get(key);
    if (correction === undefined) {
      correction = { tenantId, keyId, ofMonth, reason, count: 0, delta: 0n };
      this.#corrections.set(key, correction);
    }
    correction.count += 1;
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

  #holds(time: string): boolean {
    const ms = Date.parse(time);
    return ms >= this.fromMs && ms < this.toMs;
  }
}

function toTenant(tenantId: string, charges: readonly Charge[], corrections: readonly Correction[]): TenantStatement {
  const charged = charges.reduce((total, { cost }) => total + cost, 0n);
  const corrected = corrections.reduce((total, { delta }) => total + delta, 0n);
  return {
    tenant_id: tenantId,
    charges: charges.map(toCharge),
    adjustments: corrections.map((one) => ({
      api_key_id: one.keyId,
      of_month: one.ofMonth,
      reason: one.reason,
      count: one.count,
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
    cost_usd: picoToDecimal(charge.cost),
    wasted_usd: picoToDecimal(charge.wasted),
    avoided_usd: picoToDecimal(charge.avoided),
  };
}

const sorted = <T>(map: ReadonlyMap<string, T>): readonly T[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
