import type { CostStatus } from '#events/domain/attempt.js';
import { inputTokens, outputTokens, type Meters } from '#events/domain/meters.js';
import { picoToDecimal, type PicoText } from '#events/domain/money.js';

/** What a client is told about the cost of its request. */
export interface UsageCost {
  /** `null` = unpriced, shown as `null`: never as zero. */
  readonly costPicoUsd: PicoText | null;
  readonly costStatus: CostStatus;
  /** Currency of the price record, and the cost in it. */
  readonly currency: string;
  readonly costNativePico: PicoText | null;
  /** What a cache hit saved; `null` when it was none. */
  readonly avoidedPicoUsd: PicoText | null;
}

/** OpenAI's usage object, with the details that OpenRouter adds. */
export interface OpenAiUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: {
    readonly cached_tokens: number;
    readonly cache_write_tokens: number;
    readonly audio_tokens: number;
  };
  readonly completion_tokens_details: { readonly reasoning_tokens: number; readonly audio_tokens: number };
}

const orZero = (quantity: number | undefined): number => quantity ?? 0;

/** Disjoint meters as OpenAI counts: cached inside prompt, reasoning inside completion. */
export function toOpenAiUsage(meters: Meters): OpenAiUsage {
  const prompt = inputTokens(meters);
  const completion = outputTokens(meters);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: orZero(meters.input_cache_read) + orZero(meters.input_audio_cache_read),
      cache_write_tokens: orZero(meters.input_cache_write_5m) + orZero(meters.input_cache_write_1h),
      audio_tokens: orZero(meters.input_audio) + orZero(meters.input_audio_cache_read),
    },
    completion_tokens_details: {
      reasoning_tokens: orZero(meters.output_reasoning),
      audio_tokens: orZero(meters.output_audio),
    },
  };
}

/** Dollars as a JSON number with exactly the digits that the integer has; `null` where unpriced. */
export function costJson(pico: PicoText | null): string {
  return pico === null ? 'null' : picoToDecimal(BigInt(pico));
}

/**
 * JSON text of `usage.cost_details`. `upstream_inference_cost` is OpenRouter's name for what the provider charges;
 * we add nothing to it.
 */
export function costDetailsJson(cost: UsageCost): string {
  return (
    `{"upstream_inference_cost":${costJson(cost.costPicoUsd)},"cost_status":${JSON.stringify(cost.costStatus)},` +
    `"currency":${JSON.stringify(cost.currency)},"cost_native":${costJson(cost.costNativePico)},` +
    `"avoided_cost":${costJson(cost.avoidedPicoUsd)}}`
  );
}

/** JSON text of a whole usage object with its cost. */
export function usageJson(meters: Meters, cost: UsageCost | null): string {
  const usage = JSON.stringify(toOpenAiUsage(meters));
  if (cost === null) return usage;
  return `${usage.slice(0, -1)},"cost":${costJson(cost.costPicoUsd)},"cost_details":${costDetailsJson(cost)}}`;
}

/**
 * Data of a usage chunk of our own, for a client that asked for usage when the provider sent none.
 * @param of the stream's other chunks, so that the id stays the same
 */
export function usageChunk(
  of: { readonly id: string; readonly model: string; readonly created: number },
  meters: Meters,
  cost: UsageCost | null,
): string {
  const head = JSON.stringify({ id: of.id, object: 'chat.completion.chunk', created: of.created, model: of.model });
  return `${head.slice(0, -1)},"choices":[],"usage":${usageJson(meters, cost)}}`;
}
