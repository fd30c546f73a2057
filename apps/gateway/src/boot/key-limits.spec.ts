import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiKey } from '#access/ports/key-ring.js';
import { createSystemClock } from '#events/events.module.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { createKeyLimits, type KeyLimits } from './key-limits.js';

const KEY = { keyId: 'k', budgetUsd: '1', limits: {} } as ApiKey;
const OPTIONS = { redisUrl: null, leaseMs: 1_000, concurrentMax: 2_000, exemptKeyId: null, unpricedPicoUsd: () => 0n };
const receipt = (receiptId: string, dollars: bigint): Receipt =>
  ({ receiptId, apiKeyId: 'k', costPicoUsd: String(dollars * 1_000_000_000_000n), meters: {} }) as Receipt;
const sealed = (data: Receipt): RouterEvent => ({ type: 'nextmodel.receipt.sealed.v1', data }) as RouterEvent;

describe('limits and budgets of keys', () => {
  it('remembers nothing of a receipt while no key has a budget: the replay brings it', async () => {
    const limits = await createKeyLimits(OPTIONS, createSystemClock());
    limits.settled(receipt('r1', 2n));

    limits.countSpend();

    expect(() => limits.admit(KEY, 'r2', 0)).not.toThrow();
    limits.applyEvent(sealed(receipt('r1', 2n)));
    expect(() => limits.admit(KEY, 'r3', 0)).toThrow(/used up/);
  });

  it('counts a receipt at once, and once, when a key has a budget', async () => {
    const limits = await createKeyLimits(OPTIONS, createSystemClock());
    limits.countSpend();

    limits.settled(receipt('r1', 1n));

    expect(() => limits.admit(KEY, 'r2', 0)).toThrow(/used up/);
    limits.applyEvent(sealed(receipt('r1', 1n)));
    limits.applyEvent({
      type: 'nextmodel.receipt.adjusted.v1',
      data: { receiptId: 'r1', seq: 1, deltaPicoUsd: '-500000000000' },
    } as RouterEvent);
    expect(() => limits.admit(KEY, 'r3', 0)).not.toThrow();
  });

  it('lets ten of 200 parallel requests pass when the budget is for ten', async () => {
    const limits = await createKeyLimits(OPTIONS, createSystemClock());
    limits.countSpend();
    const ids = Array.from({ length: 200 }, (_, n) => `r${n}`);
    for (const id of ids) void limits.admit(KEY, id, 0);

    const passed = ids.filter((id) => holds(limits, id, 100_000_000_000n));

    expect(passed).toHaveLength(10);
  });

  it('lets a request that is alone use up what is left, and nobody beside it', async () => {
    const limits = await createKeyLimits(OPTIONS, createSystemClock());
    limits.countSpend();

    const first = holds(limits, 'r1', 5_000_000_000_000n);
    const beside = holds(limits, 'r2', 1n);
    limits.settled({ ...receipt('r1', 0n), costPicoUsd: '600000000000' });
    const afterwards = holds(limits, 'r3', 5_000_000_000_000n);
    limits.settled({ ...receipt('r3', 0n), costPicoUsd: '600000000000' });

    expect([first, beside, afterwards, holds(limits, 'r4', 1n)]).toEqual([true, false, true, false]);
  });

  it('lets a key without a limit of its own have so many at once, and the operator’s own any number', async () => {
    const options = { ...OPTIONS, concurrentMax: 2, exemptKeyId: 'first' };
    const limits = await createKeyLimits(options, createSystemClock());
    const enter = (keyId: string, receiptId: string, own = {}) => {
      void limits.admit({ ...KEY, keyId, budgetUsd: null, limits: own }, receiptId, 0);
    };
    for (const id of ['r1', 'r2']) enter('k', id);
    for (const id of ['f1', 'f2', 'f3']) enter('first', id);
    for (const id of ['o1', 'o2', 'o3']) enter('own', id, { concurrent: 3 });

    const third = () => enter('k', 'r3');

    expect(third).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded', httpStatus: 429 }));
    limits.settled(receipt('r3', 0n));
    expect(third).toThrow();
    limits.settled(receipt('r1', 0n));
    limits.settled(receipt('r1', 0n));
    expect(third).not.toThrow();
    expect(third).toThrow();
  });

  it('holds nothing after 1,000 requests of any ending, also before receipts count', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.boolean(), { minLength: 1_000, maxLength: 1_000 }),
        async (counts, ends) => {
          const limits = await createKeyLimits(OPTIONS, createSystemClock());
          if (counts) limits.countSpend();
          for (const [n, held] of ends.entries()) {
            void limits.admit(KEY, `r${n}`, 0);
            if (held) holds(limits, `r${n}`, 900_000_000n);
          }
          for (const n of ends.keys()) limits.settled(receipt(`r${n}`, 0n));

          expect(holds(limits, 'last', 1_000_000_000_000n)).toBe(true);
        },
      ),
      { numRuns: 10 },
    );
  });
});

function holds(limits: KeyLimits, receiptId: string, picoUsd: bigint): boolean {
  try {
    limits.hold(KEY, receiptId, picoUsd);
    return true;
  } catch {
    return false;
  }
}
