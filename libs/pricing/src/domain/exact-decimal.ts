/**
 * Reads a decimal number from its text (`0.8`, `"1e-7"`, `10`) as an integer of 10^-places, never through a float.
 * @returns `null` when it is no plain number or finer than `places` allows.
 */
export function exactDecimal(text: string, places: number): bigint | null {
  const parsed = parse(text);
  if (parsed === null) return null;
  const shift = places - parsed.decimals;
  if (shift >= 0) return parsed.digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return parsed.digits % divisor === 0n ? parsed.digits / divisor : null;
}

/** As `exactDecimal`, rounding what is finer half to even. */
export function roundedDecimal(text: string, places: number): bigint | null {
  const parsed = parse(text);
  if (parsed === null) return null;
  const shift = places - parsed.decimals;
  if (shift >= 0) return parsed.digits * 10n ** BigInt(shift);
  return divideHalfEven(parsed.digits, 10n ** BigInt(-shift));
}

/** `numerator / denominator`, rounded half to even; the denominator is positive. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n;
  const size = negative ? -numerator : numerator;
  let quotient = size / denominator;
  const twice = (size % denominator) * 2n;
  if (twice > denominator || (twice === denominator && quotient % 2n === 1n)) quotient += 1n;
  return negative ? -quotient : quotient;
}

function parse(text: string): { readonly digits: bigint; readonly decimals: number } | null {
  const match = /^([+-]?)(\d{1,30})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text.trim());
  if (match === null) return null;
  const fraction = match[3] ?? '';
  const digits = BigInt(`${match[2] ?? '0'}${fraction}`);
  return {
    digits: match[1] === '-' ? -digits : digits,
    decimals: fraction.length - Number(match[4] ?? '0'),
  };
}
