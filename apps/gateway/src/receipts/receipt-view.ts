import { servedAttempt } from '#events/domain/attempt.js';
import { showReceiptId } from '#events/domain/ids.js';
import { inputTokens, outputTokens } from '#events/domain/meters.js';
import { picoToDecimal } from '#events/domain/money.js';
import type { Receipt } from '#events/domain/receipt.js';

/** `fooBar` → `foo_bar`, deep; keys that are data (tags, raw usage) stay as they are. */
export function toSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      DATA_KEYS.has(key) ? inner : toSnakeCase(inner),
    ]),
  );
}
const DATA_KEYS = new Set(['tags', 'usageRaw', 'meters', 'decision']);

const usd = (pico: string | null): string | null => (pico === null ? null : picoToDecimal(BigInt(pico)));
const dollars = (pico: string | null): number | null => (pico === null ? null : Number(usd(pico)));

/** A receipt as the HTTP surface shows it: its fields in snake_case, with dollars beside the picodollars. */
export function toReceiptView(receipt: Receipt): Record<string, unknown> {
  return {
    ...(toSnakeCase(receipt) as Record<string, unknown>),
    id: showReceiptId(receipt.receiptId),
    object: 'receipt',
    cost_usd: usd(receipt.costPicoUsd),
    wasted_usd: usd(receipt.wastedPicoUsd),
    avoided_usd: usd(receipt.avoidedPicoUsd),
    attempts: receipt.attempts.map((attempt) => ({
      ...(toSnakeCase(attempt) as Record<string, unknown>),
      cost_usd: usd(attempt.costPicoUsd),
    })),
  };
}

/** The same in OpenRouter's field names, so that its users' spend tools work unchanged. */
export function toGenerationView(receipt: Receipt): Record<string, unknown> {
  const served = servedAttempt(receipt.attempts);
  const cost = dollars(receipt.costPicoUsd);
  return {
    data: {
      id: showReceiptId(receipt.receiptId),
      upstream_id: served?.providerRequestId ?? null,
      created_at: receipt.acceptedAt,
      model: receipt.servedModel,
      provider_name: receipt.provider,
      streamed: receipt.streamed,
      cancelled: receipt.status === 'aborted',
      finish_reason: receipt.finishReason,
      native_finish_reason: receipt.finishReason,
      latency: receipt.timeToFirstTokenMs ?? receipt.latencyMs,
      generation_time: receipt.latencyMs,
      tokens_prompt: inputTokens(receipt.meters),
      tokens_completion: outputTokens(receipt.meters),
      native_tokens_prompt: inputTokens(receipt.meters),
      native_tokens_completion: outputTokens(receipt.meters),
      native_tokens_reasoning: receipt.meters.output_reasoning ?? 0,
      native_tokens_cached: receipt.meters.input_cache_read ?? 0,
      total_cost: cost,
      usage: cost,
      cache_discount: dollars(receipt.avoidedPicoUsd),
      is_byok: true,
      service_tier: receipt.serviceTier,
      provider_responses: receipt.attempts.map((attempt) => ({
        provider_name: attempt.provider,
        status: attempt.httpStatus === 0 ? null : attempt.httpStatus,
        latency: attempt.latencyMs,
        id: attempt.providerRequestId,
      })),
    },
  };
}
