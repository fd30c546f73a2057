import { decimalToPico, picoToDecimal } from '#events/domain/money.js';
import { RouterError } from '#events/domain/router-error.js';
import type { BudgetStore } from '../ports/budget-store.js';
import type { ApiKey } from '../ports/key-ring.js';
import { quietly } from './quietly.js';
import type { SpendLedger } from './spend-ledger.js';

/** A hold of a process that died is free again after this. */
const LEASE_MS = 60_000;

export interface BudgetHoldParts {
  readonly store: BudgetStore;
  /** Counts while `store` does not answer: requests flow, budgets then hold per process. */
  readonly fallback: BudgetStore;
  /** What was spent, as far as this process knows. */
  readonly ledger: SpendLedger;
}

/** Holds of this process's requests, from before their first call to their receipt. */
export interface BudgetHolds {
  /**
   * Holds `picoUsd` (0 when unknown) for a request; nothing for a key without a budget. Synchronous where the store is.
   * @throws RouterError `insufficient_quota` (429) when nothing is left, or less than that beside other requests.
   */
  hold(key: ApiKey, receiptId: string, picoUsd: bigint, nowMs: number): Promise<void> | void;
  /** What the request has cost takes the place of its hold. Call after the ledger has it. Idempotent, never rejects. */
  settle(receiptId: string, costPicoUsd: bigint): void;
  /** To be called more often than once in a minute, or the holds of long requests end. Never rejects. */
  renew(nowMs: number): void;
}

export function createBudgetHolds({ store, fallback, ledger }: BudgetHoldParts): BudgetHolds {
  /** Receipt id → key. */
  const open = new Map<string, string>();
  /** Where a request holds nothing, nothing happens. */
  const stores = [...new Set([store, fallback])];

  const holdIn = (
    where: BudgetStore,
    key: ApiKey,
    budgetPicoUsd: bigint,
    receiptId: string,
    asked: bigint,
    at: number,
  ) => {
    const { grossPicoUsd, creditPicoUsd } = ledger.spent(key.keyId);
    const ask = { budgetPicoUsd, grossPicoUsd, creditPicoUsd, askedPicoUsd: asked, leaseMs: LEASE_MS };
    return where.hold(key.keyId, receiptId, ask, at);
  };
  return {
    hold(key, receiptId, picoUsd, nowMs) {
      const budget = key.budgetUsd === null ? null : decimalToPico(key.budgetUsd);
      if (budget === null) return undefined;
      const conclude = ({ held, leftPicoUsd }: { readonly held: boolean; readonly leftPicoUsd: bigint }): void => {
        if (!held) throw budgetExhausted(key, leftPicoUsd);
        open.set(receiptId, key.keyId);
      };
      const answer = holdIn(store, key, budget, receiptId, picoUsd, nowMs);
      if (!(answer instanceof Promise)) return conclude(answer);
      return answer
        .catch((error: unknown) => {
          if (!(error instanceof RouterError) || error.code !== 'store_unavailable') throw error;
          return holdIn(fallback, key, budget, receiptId, picoUsd, nowMs);
        })
        .then(conclude);
    },
    settle(receiptId, costPicoUsd) {
      const keyId = open.get(receiptId);
      if (keyId === undefined) return;
      open.delete(receiptId);
      for (const where of stores) quietly(() => where.settle(keyId, receiptId, costPicoUsd));
    },
    renew(nowMs) {
      const holders = Map.groupBy(open.keys(), (receiptId) => open.get(receiptId) as string);
      for (const [keyId, receiptIds] of holders) {
        for (const where of stores) quietly(() => where.renew(keyId, receiptIds, LEASE_MS, nowMs));
      }
    },
  };
}

/** @param leftPicoUsd zero or less: nothing. */
export function budgetExhausted(key: ApiKey, leftPicoUsd: bigint): RouterError {
  const rest =
    leftPicoUsd > 0n ? ` ${picoToDecimal(leftPicoUsd)} US dollars are left, less than this request may cost.` : '';
  return new RouterError({
    code: 'insufficient_quota',
    publicMessage: `The budget of this key (${key.budgetUsd} US dollars) is used up.${rest}`,
    httpStatus: 429,
    type: 'insufficient_quota',
    retryable: false,
  });
}
