import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../adapters/system/system-clock.js';
import { attemptId, parseReceiptId, receiptTimeMs, showReceiptId, type ReceiptId } from './ids.js';

/** UUIDv7 texts of a given time. */
const idAt = (ms: number, tail: string): ReceiptId => {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${tail.slice(0, 3)}-8${tail.slice(3, 6)}-${tail.slice(6, 18)}` as ReceiptId;
};
const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const tails = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 18, maxLength: 18 });
const ids = fc.tuple(times, tails).map(([ms, tail]) => idAt(ms, tail));

describe('receipt ids', () => {
  it('are read with and without their prefix, and shown with it once', () => {
    fc.assert(
      fc.property(ids, (id) => {
        expect(showReceiptId(id)).toBe(`rcpt_${id}`);
        expect(parseReceiptId(showReceiptId(id))).toBe(id);
        expect(parseReceiptId(id)).toBe(id);
      }),
    );
  });

  it('carry the time of their making to the millisecond', () => {
    fc.assert(fc.property(times, tails, (ms, tail) => receiptTimeMs(idAt(ms, tail)) === ms));
  });

  it('are in the order of time as text', () => {
    fc.assert(
      fc.property(times, times, tails, tails, (a, b, tailA, tailB) => {
        fc.pre(a < b);

        expect(idAt(a, tailA) < idAt(b, tailB)).toBe(true);
      }),
    );
  });

  it.each([
    '',
    'rcpt_',
    'rcpt_rcpt_019b76da-a800-7c3e-9f10-3b2a1c4d5e6f',
    'RCPT_019b76da-a800-7c3e-9f10-3b2a1c4d5e6f',
    '019B76DA-A800-7C3E-9F10-3B2A1C4D5E6F',
    '019b76daa8007c3e9f103b2a1c4d5e6f',
    '019b76da-a800-7c3e-9f10-3b2a1c4d5e6',
    '019b76da-a800-7c3e-9f10-3b2a1c4d5e6f\n',
    ' 019b76da-a800-7c3e-9f10-3b2a1c4d5e6f',
    "019b76da-a800-7c3e-9f10-3b2a1c4d5e6f' OR 1=1",
  ])('are never read out of "%s"', (text) => {
    expect(parseReceiptId(text)).toBeNull();
  });

  it('are read out of no text that they do not make up wholly', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const id = parseReceiptId(text);

        expect(id === null || text === id || text === `rcpt_${id}`).toBe(true);
      }),
    );
  });

  it('name their attempts from 1', () => {
    const id = idAt(0, '0'.repeat(18));

    expect(attemptId(id, 1)).toBe(`${id}:1`);
  });

  it('made by a running process parse, differ, and hold the present', () => {
    const clock = new SystemClock();
    const before = clock.nowMs();

    const made = Array.from({ length: 1_000 }, () => clock.newReceiptId());

    const after = clock.nowMs();
    expect(new Set(made).size).toBe(made.length);
    for (const id of made) {
      expect(parseReceiptId(id)).toBe(id);
      expect(receiptTimeMs(id)).toBeGreaterThanOrEqual(before - 1);
      expect(receiptTimeMs(id)).toBeLessThanOrEqual(after + 1);
    }
  });
});
