import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { ApiKey } from '../ports/key-ring.js';
import { createSpendLedger } from './spend-ledger.js';

const DOLLAR = 1_000_000_000_000n;
const KEY = { keyId: 'k', budgetUsd: '1' } as ApiKey;
const receipt = (id: string, costPicoUsd: string | null, apiKeyId = 'k'): Receipt =>
  ({ receiptId: id, apiKeyId, costPicoUsd }) as Receipt;
const adjusted = (receiptId: string, seq: number, deltaPicoUsd: string): RouterEvent =>
  ({ type: 'nextmodel.receipt.adjusted.v1', data: { receiptId, seq, deltaPicoUsd } }) as RouterEvent;

describe('spend ledger', () => {
  it('counts a receipt and each of its adjustments once', () => {
    const ledger = createSpendLedger();

    for (let round = 0; round < 2; round += 1) {
      ledger.apply(receipt('r1', '100'));
      ledger.apply(receipt('r2', null));
      ledger.applyEvent(adjusted('r1', 1, '-40'));
    }

    expect(ledger.spent('k')).toEqual({ picoUsd: 60n, reservedPicoUsd: 0n, unpriced: 1 });
    expect(ledger.spent('other').picoUsd).toBe(0n);
  });

  it('refuses beyond the budget, counting what is held', () => {
    const ledger = createSpendLedger();
    ledger.reserve(KEY, 'r1', (DOLLAR * 6n) / 10n, 0);

    const tooMuch = (): void => ledger.reserve(KEY, 'r2', DOLLAR / 2n, 0);

    expect(tooMuch).toThrow(expect.objectContaining({ code: 'insufficient_quota', httpStatus: 429, retryable: false }));
    ledger.release('r1');
    expect(tooMuch).not.toThrow();
  });

  it('turns a reservation into spend when the receipt comes', () => {
    const ledger = createSpendLedger();
    ledger.reserve(KEY, 'r1', DOLLAR / 2n, 0);

    ledger.apply(receipt('r1', DOLLAR.toString()));

    expect(ledger.spent('k')).toMatchObject({ picoUsd: DOLLAR, reservedPicoUsd: 0n });
    expect(() => ledger.reserve(KEY, 'r2', 0n, 0)).toThrow(/used up/);
  });

  it('lets go of what nobody settled for 15 minutes', () => {
    const ledger = createSpendLedger();
    ledger.reserve(KEY, 'r1', DOLLAR, 0);

    expect(() => ledger.reserve(KEY, 'r2', 1n, 60_000)).toThrow();
    expect(() => ledger.reserve(KEY, 'r2', 1n, 900_001)).not.toThrow();
  });

  it('holds nothing for a key without a budget', () => {
    const ledger = createSpendLedger();

    ledger.reserve({ ...KEY, budgetUsd: null }, 'r1', DOLLAR * 100n, 0);

    expect(ledger.spent('k').reservedPicoUsd).toBe(0n);
  });

  it('never lets spend and reservations of parallel requests pass the budget', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ cost: fc.nat(400), settle: fc.boolean() }), { maxLength: 60 }), (requests) => {
        const ledger = createSpendLedger();
        const key = { ...KEY, budgetUsd: '0.000000001' };
        for (const [index, { cost, settle }] of requests.entries()) {
          try {
            ledger.reserve(key, `r${index}`, BigInt(cost), 0);
          } catch {
            continue;
          }
          if (settle) ledger.apply(receipt(`r${index}`, String(cost)));
        }
        const { picoUsd, reservedPicoUsd } = ledger.spent('k');
        expect(picoUsd + reservedPicoUsd <= 1000n).toBe(true);
      }),
    );
  });
});
