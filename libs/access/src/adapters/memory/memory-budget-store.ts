import type { BudgetAnswer, BudgetAsk, BudgetStore } from '../../ports/budget-store.js';

interface Hold {
  readonly picoUsd: bigint;
  endMs: number;
}

interface Account {
  gross: bigint;
  credit: bigint;
  held: bigint;
  /** Until when nothing ends by itself. */
  quietUntilMs: number;
  readonly holds: Map<string, Hold>;
}

/** Holds of one process. An account stays as long as the process: its sums are a few numbers. */
export class MemoryBudgetStore implements BudgetStore {
  readonly #accounts = new Map<string, Account>();

  hold(name: string, holder: string, ask: BudgetAsk, nowMs: number): BudgetAnswer {
    let account = this.#accounts.get(name);
    if (account === undefined) {
      account = { gross: 0n, credit: 0n, held: 0n, quietUntilMs: Number.POSITIVE_INFINITY, holds: new Map() };
      this.#accounts.set(name, account);
    }
    expire(account, nowMs);
    drop(account, holder);
    if (ask.grossPicoUsd > account.gross) account.gross = ask.grossPicoUsd;
    if (ask.creditPicoUsd > account.credit) account.credit = ask.creditPicoUsd;
    const left = ask.budgetPicoUsd - account.gross + account.credit - account.held;
    if (left <= 0n || (ask.askedPicoUsd > left && account.held > 0n)) return { held: false, leftPicoUsd: left };
    const picoUsd = ask.askedPicoUsd > left ? left : ask.askedPicoUsd;
    const endMs = nowMs + ask.leaseMs;
    account.holds.set(holder, { picoUsd, endMs });
    account.held += picoUsd;
    account.quietUntilMs = Math.min(account.quietUntilMs, endMs);
    return { held: true, leftPicoUsd: left };
  }

  renew(name: string, holders: readonly string[], leaseMs: number, nowMs: number): void {
    const holds = this.#accounts.get(name)?.holds;
    for (const holder of holders) {
      const hold = holds?.get(holder);
      if (hold !== undefined) hold.endMs = nowMs + leaseMs;
    }
  }

  settle(name: string, holder: string, spentPicoUsd: bigint): void {
    const account = this.#accounts.get(name);
    if (account !== undefined && drop(account, holder)) account.gross += spentPicoUsd;
  }

  async close(): Promise<void> {}
}

function drop(account: Account, holder: string): boolean {
  const hold = account.holds.get(holder);
  if (hold === undefined) return false;
  account.held -= hold.picoUsd;
  return account.holds.delete(holder);
}

function expire(account: Account, nowMs: number): void {
  if (nowMs < account.quietUntilMs) return;
  account.quietUntilMs = Number.POSITIVE_INFINITY;
  for (const [holder, { endMs }] of account.holds) {
    if (endMs <= nowMs) drop(account, holder);
    else account.quietUntilMs = Math.min(account.quietUntilMs, endMs);
  }
}
