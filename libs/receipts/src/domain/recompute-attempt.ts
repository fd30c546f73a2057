import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import { divideHalfEven } from '#pricing/domain/exact-decimal.js';
import type { PriceRecord } from '#pricing/domain/price-record.js';
import { priceUsage } from '#pricing/domain/price-usage.js';
import { sumCost } from './seal-receipt.js';

export interface CostMismatch {
  readonly receiptId: string;
  /** 0 = the receipt itself. */
  readonly n: number;
  readonly what: 'line_amount' | 'native_sum' | 'dollars' | 'receipt_sum' | 'price_unknown' | 'price_differs';
  readonly recorded: string;
  readonly recomputed: string;
}

/** `null` = nobody knows a record with this hash. */
export type PriceRecordOf = (priceHash: string) => PriceRecord | null;

const NANO = 1_000_000_000n;

/**
 * Computes every number of money on a receipt again: amounts from quantity and rate, sums from amounts, dollars from
 * the rate of exchange on the line, the receipt from its attempts.
 * @param recordOf the record behind a price hash: each attempt is priced again by it, so that a rate which never stood
 *   in it is found. `null` in its place checks the arithmetic alone.
 */
export function recomputeReceipt(receipt: Receipt, recordOf: PriceRecordOf | null): readonly CostMismatch[] {
  const found: CostMismatch[] = [];
  const { receiptId } = receipt;
  const check = (n: number, what: CostMismatch['what'], recorded: string | null, recomputed: string | null): void => {
    if (recorded === recomputed) return;
    found.push({ receiptId, n, what, recorded: recorded ?? 'null', recomputed: recomputed ?? 'null' });
  };
  for (const attempt of receipt.attempts) recomputeAttempt(attempt, recordOf, check);
  const charged = receipt.attempts.filter(({ billed }) => billed !== 'no');
  const total = sumCost(charged);
  check(0, 'receipt_sum', receipt.costPicoUsd, total === null ? null : total.toString());
  return found;
}

type Check = (n: number, what: CostMismatch['what'], recorded: string | null, recomputed: string | null) => void;

function recomputeAttempt(attempt: AttemptLine, recordOf: PriceRecordOf | null, check: Check): void {
  const { n, lines, costNativePico, costPicoUsd, fxRateNano, priceHash } = attempt;
  let native = 0n;
  for (const line of lines) {
    const amount = BigInt(line.quantity) * BigInt(line.ratePico);
    check(n, 'line_amount', line.amountPico, amount.toString());
    native += amount;
  }
  if (lines.length > 0) {
    check(n, 'native_sum', costNativePico, native.toString());
    check(n, 'dollars', costPicoUsd, divideHalfEven(native * BigInt(fxRateNano), NANO).toString());
  }
  if (priceHash === null || recordOf === null) return;
  const record = recordOf(priceHash);
  if (record === null) check(n, 'price_unknown', priceHash, null);
  else if (lines.length > 0) checkRates(attempt, priceHash, record, check);
}

/** The lines as the record makes them from the meters alone. */
function checkRates(attempt: AttemptLine, priceHash: string, record: PriceRecord, check: Check): void {
  const fx = { rateNano: BigInt(attempt.fxRateNano), date: attempt.fxDate };
  const again = priceUsage(record, priceHash, attempt.meters, attempt.serviceTier, true, fx);
  check(attempt.n, 'price_differs', showLines(attempt.lines), showLines(again.lines));
}

const showLines = (lines: AttemptLine['lines']): string =>
  lines.map(({ meter, quantity, ratePico }) => `${meter}:${quantity}x${ratePico}`).join(' ');
