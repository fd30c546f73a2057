import { decimalToPico, picoToDecimal } from '#events/domain/money.js';
import type { Receipt } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { ApiKey } from '../ports/key-ring.js';

const SEEN_MAX = 200_000;
const RESERVATION_MS = 15 * 60_000;

/** Spend of every key in total: a replay of the receipts topic. */
export interface SpendLedger {
  /** Counts a receipt once, however often it comes, and ends its reservation. Unpriced ones count as unpriced. */
  apply(receipt: Receipt): void;
  /** `receipt.sealed` and `receipt.adjusted`; every other event is ignored. For `followControl` on the receipts topic. */
  applyEvent(event: RouterEvent): void;
  /**
   * Holds `picoUsd` (0 when unknown) for a request of a key with a budget, until its receipt is applied, `release`d,
   * or 15 minutes have passed. Nothing is held for a key without a budget.
   * @throws RouterError `insufficient_quota` (429) when spent and held leave less than that, or nothing at all.
   */
  reserve(key: ApiKey, receiptId: string, picoUsd: bigint, nowMs: number): void;
  /** Ends a reservation without spend. Idempotent. */
  release(receiptId: string): void;
  spent(keyId: string): { readonly picoUsd: bigint; readonly reservedPicoUsd: bigint; readonly unpriced: number };
}

interface Account {
  spent: bigint;
  reserved: bigint;
  unpriced: number;
}

export function createSpendLedger(): SpendLedger {
  const accounts = new Map<string, Account>();
  const reservations = new Map<string, { readonly account: Account; readonly pico: bigint; readonly endMs: number }>();
  const seen = new Map<string, string>();

  const accountOf = (keyId: string): Account => {
    let account = accounts.get(keyId);
    if (account === undefined) accounts.set(keyId, (account = { spent: 0n, reserved: 0n, unpriced: 0 }));
    return account;
  };
  const release = (receiptId: string): void => {
    const held = reservations.get(receiptId);
    if (held === undefined) return;
    held.account.reserved -= held.pico;
    reservations.delete(receiptId);
  };
  /** Remembers facts in the order of coming; duplicates come soon after one another. */
  const isNew = (fact: string, keyId: string): boolean => {
    if (seen.has(fact)) return false;
    seen.set(fact, keyId);
    if (seen.size > SEEN_MAX) {
      const oldest = seen.keys().next();
      if (oldest.done !== true) seen.delete(oldest.value);
    }
    return true;
  };
  const apply = (receipt: Receipt): void => {
    release(receipt.receiptId);
    if (!isNew(receipt.receiptId, receipt.apiKeyId)) return;
    const account = accountOf(receipt.apiKeyId);
    if (receipt.costPicoUsd === null) account.unpriced += 1;
    else account.spent += BigInt(receipt.costPicoUsd);
  };

  return {
    apply,
    release,
    applyEvent(event) {
      if (event.type === 'nextmodel.receipt.sealed.v1') apply(event.data);
      if (event.type !== 'nextmodel.receipt.adjusted.v1') return;
      const { receiptId, seq, deltaPicoUsd } = event.data;
      const keyId = seen.get(receiptId);
      if (keyId !== undefined && isNew(`${receiptId}#${seq}`, keyId)) accountOf(keyId).spent += BigInt(deltaPicoUsd);
    },
    reserve(key, receiptId, picoUsd, nowMs) {
      const budget = key.budgetUsd === null ? null : decimalToPico(key.budgetUsd);
      if (budget === null) return;
      const account = accountOf(key.keyId);
      for (const [id, { endMs }] of reservations) {
        if (endMs > nowMs) break;
        release(id);
      }
      const left = budget - account.spent - account.reserved;
      if (left <= 0n || picoUsd > left) throw exhausted(key, left);
      release(receiptId);
      account.reserved += picoUsd;
      reservations.set(receiptId, { account, pico: picoUsd, endMs: nowMs + RESERVATION_MS });
    },
    spent(keyId) {
      const account = accounts.get(keyId);
      return {
        picoUsd: account?.spent ?? 0n,
        reservedPicoUsd: account?.reserved ?? 0n,
        unpriced: account?.unpriced ?? 0,
      };
    },
  };
}

function exhausted(key: ApiKey, left: bigint): RouterError {
  const rest = left > 0n ? ` ${picoToDecimal(left)} US dollars are left, less than this request may cost.` : '';
  return new RouterError({
    code: 'insufficient_quota',
    publicMessage: `The budget of this key (${key.budgetUsd} US dollars) is used up.${rest}`,
    httpStatus: 429,
    type: 'insufficient_quota',
    retryable: false,
  });
}
