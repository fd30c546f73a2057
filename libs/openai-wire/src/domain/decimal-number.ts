/**
 * A JSON number's text, exponent allowed, in 10^-12: `1.5e-7` → `150000n`. More than twelve places are rounded half up
 * in magnitude and `exact` is false. Takes the shortest text of a double as what the provider wrote.
 *
 * @returns `null` when the text is no number or is absurdly large
 */
export function numberToPico(text: string): { readonly pico: bigint; readonly exact: boolean } | null {
  const match = /^(-?)(\d{1,30})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (match === null) return null;
  const fraction = match[3] ?? '';
  const digits = BigInt((match[2] ?? '') + fraction);
  const shift = 12 + Number(match[4] ?? 0) - fraction.length;
  if (shift > 40) return digits === 0n ? { pico: 0n, exact: true } : null;
  const sign = match[1] === '-' ? -1n : 1n;
  if (shift >= 0) return { pico: sign * digits * 10n ** BigInt(shift), exact: true };
  const divisor = 10n ** BigInt(-shift);
  return { pico: sign * ((digits + divisor / 2n) / divisor), exact: digits % divisor === 0n };
}
