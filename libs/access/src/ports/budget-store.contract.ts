import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BudgetAnswer, BudgetAsk, BudgetStore } from './budget-store.js';

const LEASE_MS = 60_000;

/** What every store of holds must do. @param open gives a store that knows none of the accounts used here. */
export function describeBudgetStore(name: string, open: () => Promise<BudgetStore>): void {
  describe(`budget store: ${name}`, () => {
    let store: BudgetStore;
    const run = Math.random().toString(36).slice(2);
    const now = Date.now();
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    /** Budget of 1,000, nothing spent, unless told otherwise. */
    const hold = async (
      account: string,
      holder: string,
      askedPicoUsd: bigint,
      over: Partial<BudgetAsk> & { readonly nowMs?: number } = {},
    ): Promise<BudgetAnswer> => {
      const ask = { budgetPicoUsd: 1_000n, grossPicoUsd: 0n, creditPicoUsd: 0n, askedPicoUsd, leaseMs: LEASE_MS };
      return store.hold(`${run}:${account}`, holder, { ...ask, ...over }, over.nowMs ?? now);
    };
    const settle = async (account: string, holder: string, spent: bigint): Promise<void> =>
      store.settle(`${run}:${account}`, holder, spent);

    it('holds what is left and refuses what is more, without taking anything', async () => {
      const first = await hold('a', '1', 600n);
      const tooMuch = await hold('a', '2', 401n);
      const rest = await hold('a', '3', 400n);
      const nothing = await hold('a', '4', 0n);

      expect([first, tooMuch, rest, nothing]).toEqual([
        { held: true, leftPicoUsd: 1_000n },
        { held: false, leftPicoUsd: 400n },
        { held: true, leftPicoUsd: 400n },
        { held: false, leftPicoUsd: 0n },
      ]);
    });

    it('lets one that is alone have what is left, however much it asks for, and nobody beside it', async () => {
      const alone = await hold('b', '1', 5_000n);
      const beside = await hold('b', '2', 1n);
      await settle('b', '1', 999n);
      const last = await hold('b', '2', 5_000n);
      await settle('b', '2', 2_000n);
      const over = await hold('b', '3', 0n);

      expect([alone.held, beside.held, last]).toEqual([true, false, { held: true, leftPicoUsd: 1n }]);
      expect(over).toEqual({ held: false, leftPicoUsd: -1_999n });
    });

    it('remembers what was settled until the caller’s own sum has it, and counts it once', async () => {
      await hold('c', '1', 300n);
      await settle('c', '1', 250n);
      await settle('c', '1', 250n);

      const unseen = await hold('c', '2', 0n);
      const seen = await hold('c', '3', 0n, { grossPicoUsd: 250n });
      const more = await hold('c', '4', 0n, { grossPicoUsd: 400n });
      const late = await hold('c', '5', 0n, { grossPicoUsd: 250n });

      expect([unseen, seen, more, late].map(({ leftPicoUsd }) => leftPicoUsd)).toEqual([750n, 750n, 600n, 600n]);
    });

    it('gives back what was corrected, and remembers that too', async () => {
      await hold('d', '1', 0n, { grossPicoUsd: 900n });

      const corrected = await hold('d', '2', 0n, { grossPicoUsd: 900n, creditPicoUsd: 500n });
      const late = await hold('d', '3', 0n, { grossPicoUsd: 900n });

      expect([corrected.leftPicoUsd, late.leftPicoUsd]).toEqual([600n, 600n]);
    });

    it('counts nothing for a holder that holds nothing', async () => {
      await settle('e', 'nobody', 900n);

      expect(await hold('e', '1', 0n)).toEqual({ held: true, leftPicoUsd: 1_000n });
    });

    it('replaces the hold of the same holder', async () => {
      await hold('f', '1', 900n);

      const again = await hold('f', '1', 200n);
      const beside = await hold('f', '2', 800n);

      expect([again, beside]).toEqual([
        { held: true, leftPicoUsd: 1_000n },
        { held: true, leftPicoUsd: 800n },
      ]);
    });

    it('lets go of what nobody settled or renewed in time', async () => {
      await hold('g', 'dead', 600n);
      await hold('g', 'alive', 400n);

      await store.renew(`${run}:g`, ['alive', 'nobody'], LEASE_MS, now + 30_000);
      const before = await hold('g', '3', 1n, { nowMs: now + LEASE_MS - 1 });
      const after = await hold('g', '3', 600n, { nowMs: now + LEASE_MS + 1 });
      await settle('g', 'dead', 600n);
      const afterwards = await hold('g', '4', 0n, { nowMs: now + LEASE_MS + 2 });

      expect([before.held, after, afterwards.leftPicoUsd]).toEqual([false, { held: true, leftPicoUsd: 600n }, 0n]);
    });

    it('lets ten of 200 at once pass when there is room for ten', async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => hold('h', String(n), 100n)));

      expect(answers.filter(({ held }) => held)).toHaveLength(10);
    });

    it('is exact to the picodollar in sums beyond what a double holds', async () => {
      const million = 10n ** 18n;
      await hold('i', '1', million + 1n, { budgetPicoUsd: 4n * million });
      await settle('i', '1', million + 1n);
      await hold('i', '2', 0n, { budgetPicoUsd: 4n * million });
      await hold('i', '3', million + 3n, { budgetPicoUsd: 4n * million });

      const answer = await hold('i', '4', 0n, { budgetPicoUsd: 4n * million });

      expect(answer.leftPicoUsd).toBe(2n * million - 4n);
    });
  });
}
