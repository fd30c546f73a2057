import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkCost, readReceiptEvent } from './check-cost.js';
import type { Receipt } from '#events/domain/receipt.js';

const golden = JSON.parse(
  readFileSync(
    new URL('../../../events/src/__fixtures__/golden/nextmodel.receipt.sealed.v1.json', import.meta.url),
    'utf8',
  ),
) as { readonly value: string };
const receipt = JSON.parse(golden.value) as Receipt;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The receipt with one field changed, by its path. */
function changed(path: string, value: unknown): Receipt {
  const copy = JSON.parse(golden.value) as Receipt;
  const keys = path.split('.');
  let at = copy as unknown as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[keys.at(-1) ?? ''] = value;
  return copy;
}

describe('the cost of a receipt', () => {
  it('adds up for the golden one', () => {
    expect(checkCost(receipt)).toMatchObject([{ what: 'cost', state: 'ok' }]);
  });

  it.each([
    ['costPicoUsd', '5728000001', /costPicoUsd is 5728000001, but the sum of the attempts makes 5728000000/],
    ['costPicoUsd', null, /costPicoUsd is null/],
    [
      'attempts.1.lines.0.amountPico',
      '1500000001',
      /attempts\[1\]\.lines\[0\]\.amountPico is 1500000001, but 1200 input_uncached × 1250000 makes 1500000000/,
    ],
    ['attempts.1.lines.0.ratePico', '1250001', /attempts\[1\]\.lines\[0\]\.amountPico/],
    ['attempts.1.lines.2.quantity', 91, /attempts\[1\]\.(lines\[2\]|meters\.output_text)/],
    ['attempts.1.meters.output_text', 91, /attempts\[1\]\.meters\.output_text is 91, its lines have 90/],
    ['attempts.1.meters.web_search', 3, /attempts\[1\]\.lines have none for 3 web_search/],
    ['attempts.1.costNativePico', '1', /attempts\[1\]\.costNativePico is 1, but the sum of its lines/],
    ['attempts.1.fxRateNano', '148432000', /attempts\[1\]\.costPicoUsd is 5728000000, but 5728000000 × 148432000/],
    ['attempts.1.costPicoUsd', '9', /attempts\[1\]\.costPicoUsd is 9/],
    ['attempts.0.billed', 'yes', null],
    ['attempts.1.billed', 'no', /costPicoUsd is 5728000000, but the sum of the attempts makes 0/],
    ['attempts.1.lines.0.amountPico', 'x', /a number of the receipt cannot be read/],
  ])('names %s when it was changed to %s', (path, value, expected) => {
    const findings = checkCost(changed(path, value));

    if (expected === null) expect(findings).toMatchObject([{ state: 'ok' }]);
    else expect(findings.map(({ state, detail }) => `${state} ${detail}`).join('\n')).toMatch(expected);
  });

  it('is null when an attempt has no price', () => {
    const unpriced = changed('attempts.1.costNativePico', null);

    expect(checkCost(unpriced)[0]?.state).toBe('wrong');
  });
});

describe('an event of the receipts', () => {
  it('is a receipt, an adjustment, or unreadable', () => {
    expect(readReceiptEvent(bytes(golden.value)).kind).toBe('sealed');
    expect(readReceiptEvent(bytes('{"receiptId":"r","deltaPicoUsd":"-4"}'))).toEqual({
      kind: 'adjusted',
      receiptId: 'r',
      deltaPicoUsd: '-4',
    });
    for (const text of ['', '[]', 'null', '{}', '{"receiptId":"r"}', '\u0000']) {
      expect(readReceiptEvent(bytes(text)).kind, text).toBe('unreadable');
    }
    expect(readReceiptEvent(Uint8Array.of(0xff, 0xfe)).kind).toBe('unreadable');
  });
});
