import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalToPico, picoToDecimal } from './money.js';

/** Through the text and back. */
const back = (pico: bigint): bigint => decimalToPico(picoToDecimal(pico)) ?? -1n;
const amounts = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });

describe('money as integer picodollars', () => {
  it.each([
    [0n, '0'],
    [1n, '0.000000000001'],
    [-1n, '-0.000000000001'],
    [2_500_000_000n, '0.0025'],
    [999_999_999_999n, '0.999999999999'],
    [1_000_000_000_000n, '1'],
    [-12_340_000_000_000n, '-12.34'],
    [9_007_199_254_740_993_000_000_000_000n, '9007199254740993'],
  ])('%s picodollars are %s dollars, and back', (pico, decimal) => {
    expect(picoToDecimal(pico)).toBe(decimal);
    expect(decimalToPico(decimal)).toBe(pico);
  });

  it('loses nothing on the way to decimal text and back', () => {
    fc.assert(fc.property(amounts, (pico) => decimalToPico(picoToDecimal(pico)) === pico));
  });

  it('writes plain decimals only: no exponent, no trailing zero, no bare point', () => {
    fc.assert(
      fc.property(amounts, (pico) => {
        expect(picoToDecimal(pico)).toMatch(/^-?(0|[1-9]\d*)(\.\d{0,11}[1-9])?$/);
      }),
    );
  });

  it('adds up as text does: the sum of amounts is the amount of the sum', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        expect(back(a) + back(b)).toBe(back(a + b));
      }),
    );
  });

  it('takes trailing zeros and spaces around, which change no amount', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.nat({ max: 12 }), (whole, zeros) => {
        const text = zeros === 0 ? ` ${whole} ` : ` ${whole}.${'0'.repeat(zeros)} `;

        expect(decimalToPico(text)).toBe(whole * 10n ** 12n);
      }),
    );
  });

  it.each([
    '',
    ' ',
    '.5',
    '5.',
    '1e-3',
    '0x10',
    '1,5',
    '+1',
    '--1',
    '1.2.3',
    'NaN',
    'Infinity',
    '1.0000000000001',
    '١',
  ])('takes no part of "%s" for an amount', (text) => {
    expect(decimalToPico(text)).toBeNull();
  });

  it('never throws, and what it takes reads the same again', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const pico = decimalToPico(text);

        if (pico !== null) expect(decimalToPico(picoToDecimal(pico))).toBe(pico);
      }),
    );
  });
});
