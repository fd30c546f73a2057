/** Integer picodollars (10^-12 US dollars), as decimal text in events because JSON has no big integers. */
export type PicoText = string;

/** `2500000000n` → `0.0025`; trailing zeros cut, never an exponent. Works for any 10^-12 unit. */
export function picoToDecimal(pico: bigint): string {
  const negative = pico < 0n;
  const digits = (negative ? -pico : pico).toString().padStart(13, '0');
  const whole = digits.slice(0, -12);
  const fraction = digits.slice(-12).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * `"0.0025"` → `2500000000n`.
 * @returns `null` when the text is no plain decimal number or has more than twelve places.
 */
export function decimalToPico(text: string): bigint | null {
  const match = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(text.trim());
  if (match === null) return null;
  const pico = BigInt(match[2] ?? '0') * 1_000_000_000_000n + BigInt((match[3] ?? '').padEnd(12, '0'));
  return match[1] === '-' ? -pico : pico;
}
