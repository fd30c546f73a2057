import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeBudgetStore } from '../../ports/budget-store.contract.js';
import { MemoryBudgetStore } from './memory-budget-store.js';

describeBudgetStore('memory', async () => new MemoryBudgetStore());

it('never lets spend and holds of parallel requests pass the budget, when none costs more than it held', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ cost: fc.nat(400), settle: fc.boolean() }), { maxLength: 60 }), (requests) => {
      const store = new MemoryBudgetStore();
      let [spent, held] = [0n, 0n];
      for (const [index, { cost, settle }] of requests.entries()) {
        const askedPicoUsd = BigInt(cost);
        const ask = { budgetPicoUsd: 1_000n, grossPicoUsd: spent, creditPicoUsd: 0n, askedPicoUsd, leaseMs: 1_000 };
        const answer = store.hold('k', `r${index}`, ask, 0);
        expect(answer.leftPicoUsd).toBe(1_000n - spent - held);
        if (!answer.held) continue;
        const picoUsd = askedPicoUsd > answer.leftPicoUsd ? answer.leftPicoUsd : askedPicoUsd;
        if (settle) store.settle('k', `r${index}`, picoUsd);
        if (settle) spent += picoUsd;
        else held += picoUsd;
      }
      expect(spent + held <= 1_000n).toBe(true);
    }),
  );
});
