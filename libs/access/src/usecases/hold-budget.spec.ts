import { describe, expect, it } from 'vitest';
import { RouterError } from '#events/domain/router-error.js';
import { MemoryBudgetStore } from '../adapters/memory/memory-budget-store.js';
import type { BudgetAnswer } from '../ports/budget-store.js';
import type { ApiKey } from '../ports/key-ring.js';
import { createBudgetHolds } from './hold-budget.js';
import { createSpendLedger } from './spend-ledger.js';

const DOLLAR = 1_000_000_000_000n;
const KEY = { keyId: 'k', budgetUsd: '1' } as ApiKey;

/** A store over a network, which may be away. */
class RemoteStore extends MemoryBudgetStore {
  away = false;

  override hold(...args: Parameters<MemoryBudgetStore['hold']>): BudgetAnswer {
    return this.#later(() => super.hold(...args)) as unknown as BudgetAnswer;
  }

  override settle(...args: Parameters<MemoryBudgetStore['settle']>): void {
    return this.#later(() => super.settle(...args)) as unknown as void;
  }

  async #later<T>(call: () => T): Promise<T> {
    if (this.away) throw new RouterError({ code: 'store_unavailable', publicMessage: 'away' });
    return call();
  }
}

describe('holds of budgets', () => {
  it('are refused beyond the budget, with what is left, until the others are settled', () => {
    const store = new MemoryBudgetStore();
    const holds = createBudgetHolds({ store, fallback: store, ledger: createSpendLedger() });
    holds.hold(KEY, 'r1', (DOLLAR * 6n) / 10n, 0);

    const tooMuch = () => holds.hold(KEY, 'r2', DOLLAR / 2n, 0);

    expect(tooMuch).toThrow(expect.objectContaining({ code: 'insufficient_quota', httpStatus: 429, retryable: false }));
    expect(tooMuch).toThrow(/0\.4 US dollars are left/);
    holds.settle('r1', DOLLAR / 10n);
    expect(tooMuch).not.toThrow();
  });

  it('hold nothing for a key without a budget', () => {
    const store = new MemoryBudgetStore();
    const holds = createBudgetHolds({ store, fallback: store, ledger: createSpendLedger() });

    expect(holds.hold({ ...KEY, budgetUsd: null }, 'r1', DOLLAR * 100n, 0)).toBeUndefined();
  });

  it('of long requests last while this process renews them, and not when it died', () => {
    const store = new MemoryBudgetStore();
    const [alive, dead] = [0, 1].map(() =>
      createBudgetHolds({ store, fallback: store, ledger: createSpendLedger() }),
    ) as [ReturnType<typeof createBudgetHolds>, ReturnType<typeof createBudgetHolds>];
    alive.hold(KEY, 'r1', DOLLAR / 2n, 0);
    dead.hold(KEY, 'r2', DOLLAR / 2n, 0);

    for (let nowMs = 20_000; nowMs <= 100_000; nowMs += 20_000) alive.renew(nowMs);

    expect(() => alive.hold(KEY, 'r3', DOLLAR, 100_000)).toThrow(/0\.5 US dollars are left/);
  });

  it('count in the process while the store is away, and are settled where they were held', async () => {
    const [store, fallback] = [new RemoteStore(), new MemoryBudgetStore()];
    const holds = createBudgetHolds({ store, fallback, ledger: createSpendLedger() });
    await holds.hold(KEY, 'r1', DOLLAR / 2n, 0);
    store.away = true;

    await holds.hold(KEY, 'r2', DOLLAR, 0);
    await expect(holds.hold(KEY, 'r3', 1n, 0)).rejects.toThrow(/used up/);
    holds.settle('r2', DOLLAR / 4n);
    await holds.hold(KEY, 'r4', 1n, 0);
    store.away = false;
    holds.settle('r1', 0n);
    await holds.hold(KEY, 'r5', DOLLAR, 0);
  });
});
