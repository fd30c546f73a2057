import type { Meter } from '#events/domain/meters.js';

/** Where a meter without a rate of its own is charged. */
export interface RateFallback {
  /** Tried in order. */
  readonly to: readonly Meter[];
  /**
   * `true`: providers without a price of their own for it do charge it so; the cost stays exact.
   * `false`: the best guess; the cost is `estimated`.
   */
  readonly sure: boolean;
}

/**
 * A meter that is not listed (web searches) and has no rate makes the attempt `unpriced`. `request` is the exception:
 * few providers charge for a request as such, so no rate means no charge.
 */
export const RATE_FALLBACKS: { readonly [M in Meter]?: RateFallback } = {
  output_reasoning: { to: ['output_text'], sure: true },
  input_cache_read: { to: ['input_uncached'], sure: true },
  input_cache_write_5m: { to: ['input_uncached'], sure: false },
  input_cache_write_1h: { to: ['input_cache_write_5m', 'input_uncached'], sure: false },
  input_audio: { to: ['input_uncached'], sure: false },
  input_audio_cache_read: { to: ['input_audio', 'input_cache_read', 'input_uncached'], sure: false },
  input_image: { to: ['input_uncached'], sure: false },
  output_audio: { to: ['output_text'], sure: false },
  output_image: { to: ['output_text'], sure: false },
};
