import { describe, expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { createSpendLedger } from './spend-ledger.js';

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
      ledger.applyEvent(adjusted('r1', 2, '7'));
    }

    expect(ledger.spent('k')).toEqual({ picoUsd: 67n, grossPicoUsd: 107n, creditPicoUsd: 40n, unpriced: 1 });
    expect(ledger.spent('other').picoUsd).toBe(0n);
  });

  it('counts a receipt without a cost as it is told, until it is corrected', () => {
    const ledger = createSpendLedger(() => 500n);
    ledger.apply(receipt('r1', null));
    ledger.apply(receipt('r1', null));
    const before = ledger.spent('k').picoUsd;

    ledger.applyEvent(adjusted('r1', 1, '120'));
    ledger.applyEvent(adjusted('r1', 2, '-20'));

    expect([before, ledger.spent('k').picoUsd]).toEqual([500n, 100n]);
  });

  it('ignores the correction of a receipt that it has not seen', () => {
    const ledger = createSpendLedger();

    ledger.applyEvent(adjusted('r1', 1, '-40'));

    expect(ledger.spent('k').picoUsd).toBe(0n);
  });
});
