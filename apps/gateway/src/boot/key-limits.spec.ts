import { describe, expect, it } from 'vitest';
import type { ApiKey } from '#access/ports/key-ring.js';
import { createSystemClock } from '#events/events.module.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { createKeyLimits } from './key-limits.js';

const KEY = { keyId: 'k', budgetUsd: '1', limits: {} } as ApiKey;
const receipt = (receiptId: string, dollars: bigint): Receipt =>
  ({ receiptId, apiKeyId: 'k', costPicoUsd: String(dollars * 1_000_000_000_000n), meters: {} }) as Receipt;
const sealed = (data: Receipt): RouterEvent => ({ type: 'nextmodel.receipt.sealed.v1', data }) as RouterEvent;

describe('limits and budgets of keys', () => {
  it('remembers nothing of a receipt while no key has a budget: the replay brings it', async () => {
    const limits = await createKeyLimits(null, createSystemClock(), 1_000);
    limits.settled(receipt('r1', 2n));

    limits.countSpend();

    expect(() => limits.admit(KEY, 'r2', 0)).not.toThrow();
    limits.applyEvent(sealed(receipt('r1', 2n)));
    expect(() => limits.admit(KEY, 'r3', 0)).toThrow(/used up/);
  });

  it('counts a receipt at once, and once, when a key has a budget', async () => {
    const limits = await createKeyLimits(null, createSystemClock(), 1_000);
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
});
