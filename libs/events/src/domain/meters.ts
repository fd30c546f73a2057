/**
 * What is counted and priced. Disjoint: no meter is a part of another, so a sum never counts twice.
 * OpenAI's `prompt_tokens` is the sum of all `input_*` token meters, `completion_tokens` of all `output_*`.
 */
export const METERS = [
  'input_uncached',
  'input_cache_read',
  'input_cache_write_5m',
  'input_cache_write_1h',
  'input_audio',
  'input_audio_cache_read',
  'input_image',
  'output_text',
  'output_reasoning',
  'output_audio',
  'output_image',
  'web_search',
  'request',
] as const;

export type Meter = (typeof METERS)[number];

/** Non-negative integers. A meter that is absent counts zero. */
export type Meters = { readonly [M in Meter]?: number };

const INPUT_METERS = METERS.filter((meter) => meter.startsWith('input_'));
const OUTPUT_METERS = METERS.filter((meter) => meter.startsWith('output_'));
const sum = (meters: Meters, names: readonly Meter[]): number =>
  names.reduce((total, name) => total + (meters[name] ?? 0), 0);

export const inputTokens = (meters: Meters): number => sum(meters, INPUT_METERS);
export const outputTokens = (meters: Meters): number => sum(meters, OUTPUT_METERS);

export function addMeters(a: Meters, b: Meters): Meters {
  const total: { [M in Meter]?: number } = { ...a };
  for (const meter of METERS) {
    const quantity = b[meter];
    if (quantity !== undefined) total[meter] = (total[meter] ?? 0) + quantity;
  }
  return total;
}
