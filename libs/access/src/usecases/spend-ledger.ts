import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';

const SEEN_MAX = 200_000;

/** Spend of every key in total: a replay of the receipts topic. What running requests hold: `createBudgetHolds`. */
export interface SpendLedger {
  /** Counts a receipt once, however often it comes. Unpriced ones count as unpriced. */
  apply(receipt: Receipt): void;
  /** `receipt.sealed` and `receipt.adjusted`; every other event is ignored. For `followControl` on the receipts topic. */
  applyEvent(event: RouterEvent): void;
  spent(keyId: string): KeySpend;
}

export interface KeySpend {
  /** What is spent: `grossPicoUsd - creditPicoUsd`. */
  readonly picoUsd: bigint;
  /** Receipts and corrections upwards; never falls. */
  readonly grossPicoUsd: bigint;
  /** Corrections downwards; never falls. */
  readonly creditPicoUsd: bigint;
  /** Receipts without a price. */
  readonly unpriced: number;
}

interface Account {
  gross: bigint;
  credit: bigint;
  unpriced: number;
}

/** @param unpricedPicoUsd what a receipt without a cost counts for budgets; default nothing. */
export function createSpendLedger(unpricedPicoUsd: (receipt: Receipt) => bigint = () => 0n): SpendLedger {
  const accounts = new Map<string, Account>();
  const seen = new Map<string, string>();
  /** Receipt id → what it counts while nobody knows better. */
  const capped = new Map<string, bigint>();

  const accountOf = (keyId: string): Account => {
    let account = accounts.get(keyId);
    if (account === undefined) accounts.set(keyId, (account = { gross: 0n, credit: 0n, unpriced: 0 }));
    return account;
  };
  /** Remembers facts in the order of coming; duplicates come soon after one another. */
  const isNew = (fact: string, keyId: string): boolean => {
    if (seen.has(fact)) return false;
    seen.set(fact, keyId);
    if (seen.size > SEEN_MAX) {
      const oldest = seen.keys().next();
      if (oldest.done !== true) {
        seen.delete(oldest.value);
        capped.delete(oldest.value);
      }
    }
    return true;
  };
  const add = (keyId: string, picoUsd: bigint): void => {
    const account = accountOf(keyId);
    if (picoUsd > 0n) account.gross += picoUsd;
    else account.credit -= picoUsd;
  };
  const apply = (receipt: Receipt): void => {
    if (!isNew(receipt.receiptId, receipt.apiKeyId)) return;
    if (receipt.costPicoUsd !== null) {
      add(receipt.apiKeyId, BigInt(receipt.costPicoUsd));
      return;
    }
    accountOf(receipt.apiKeyId).unpriced += 1;
    const cap = unpricedPicoUsd(receipt);
    if (cap === 0n) return;
    capped.set(receipt.receiptId, cap);
    add(receipt.apiKeyId, cap);
  };

  return {
    apply,
    applyEvent(event) {
      if (event.type === 'nextmodel.receipt.sealed.v1') apply(event.data);
      if (event.type !== 'nextmodel.receipt.adjusted.v1') return;
      const { receiptId, seq, deltaPicoUsd } = event.data;
      const keyId = seen.get(receiptId);
      if (keyId === undefined || !isNew(`${receiptId}#${seq}`, keyId)) return;
      // From here on there is a real cost.
      add(keyId, -(capped.get(receiptId) ?? 0n));
      capped.delete(receiptId);
      add(keyId, BigInt(deltaPicoUsd));
    },
    spent(keyId) {
      const { gross = 0n, credit = 0n, unpriced = 0 } = accounts.get(keyId) ?? {};
      return { picoUsd: gross - credit, grossPicoUsd: gross, creditPicoUsd: credit, unpriced };
    },
  };
}
