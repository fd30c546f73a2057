import type { UsageSource } from '#events/domain/attempt.js';
import { inputTokens, outputTokens, type Meters } from '#events/domain/meters.js';
import type { UsageReading } from '#openai-wire/domain/usage-reading.js';

/** Signs that a block does not say what was used: a cost from it is an estimate at best. */
const DOUBTFUL: ReadonlySet<string> = new Set([
  'missing',
  'prompt_missing',
  'negative_clamped',
  'not_integer',
  'total_mismatch',
]);

export interface TrustedUsage {
  readonly meters: Meters;
  readonly usageSource: UsageSource;
  readonly usageFlags: readonly string[];
}

/**
 * A provider's usage as far as it can be believed. A side (input, output) that it leaves out although something was
 * sent or delivered is taken from the estimate, and then nothing of it is called exact.
 * @param estimate meters of the same answer by its length; an API without output (embeddings) has none there.
 * @param whole was the answer read to its end? A block of a broken stream counts what had come until then.
 */
export function trustUsage(reading: UsageReading, estimate: Meters, whole: boolean): TrustedUsage {
  const flags = [...reading.flags];
  const noInput = inputTokens(reading.meters) === 0 && inputTokens(estimate) > 0;
  const noOutput = outputTokens(reading.meters) === 0 && outputTokens(estimate) > 0;
  if (noInput && !flags.includes('prompt_missing')) flags.push('prompt_missing');
  if (noOutput) flags.push('completion_missing');
  if (!whole) flags.push('incomplete_answer');
  const believed = whole && !noInput && !noOutput && !flags.some((flag) => DOUBTFUL.has(flag));
  // A broken stream's block is a placeholder as often as not: what was delivered was made, and is counted.
  const cutShort = !whole && outputTokens(estimate) > outputTokens(reading.meters);
  if (believed) return { meters: reading.meters, usageSource: 'provider', usageFlags: flags };
  return {
    meters: {
      ...reading.meters,
      ...(noInput ? { input_uncached: inputTokens(estimate) } : {}),
      ...(noOutput ? { output_text: outputTokens(estimate) } : {}),
      ...(cutShort ? { output_text: outputTokens(estimate) - (reading.meters.output_reasoning ?? 0) } : {}),
    },
    usageSource: 'estimated',
    usageFlags: flags,
  };
}
