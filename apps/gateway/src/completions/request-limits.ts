import type { AttemptLimits } from '#dispatch/ports/dispatcher.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import type { RoutePlan, Target } from '#routing/domain/route-plan.js';
import { limitCost } from './cost-limit.js';
import type { RequestState } from './request-state.js';
import { readPositiveInteger, type RequestContext } from './request-context.js';
import { supposedCost } from './supposed-cost.js';

const BYTES_PER_TOKEN = 4;
const OUTPUT_TOKENS = 1_024;

/** A client may ask for less time than configured, never for more. */
export function attemptLimits(defaults: AttemptLimits, context: RequestContext): AttemptLimits {
  const timeoutMs = readPositiveInteger('x-nextmodel-timeout-ms', context.headers('x-nextmodel-timeout-ms'));
  if (timeoutMs === null) return defaults;
  const within = (ms: number): number => Math.min(ms, timeoutMs);
  return {
    ...defaults,
    connectTimeoutMs: within(defaults.connectTimeoutMs),
    headersTimeoutMs: within(defaults.headersTimeoutMs),
    firstTokenTimeoutMs: within(defaults.firstTokenTimeoutMs),
    idleTimeoutMs: within(defaults.idleTimeoutMs),
    totalTimeoutMs: within(defaults.totalTimeoutMs),
  };
}

/**
 * Applies `x-nextmodel-max-cost-usd` and `prices.unpriced` to the plan before anything is looked up or sent.
 * @throws RouterError, see `limitCost`.
 */
export function applyCostLimit(state: RequestState, plan: RoutePlan, body: ChatRequest | EmbeddingsRequest): RoutePlan {
  const { parts, context } = state;
  return limitCost({
    plan,
    body,
    bodyBytes: context.rawBody.byteLength,
    header: context.headers('x-nextmodel-max-cost-usd'),
    unpriced: parts.unpriced,
    price: (target, inputTokens, outputTokens) => priceAt(state, target, inputTokens, outputTokens),
  });
}

/**
 * Holds what the plan's first target will probably cost, until the receipt: a request that needs no provider holds
 * nothing. An unpriced target holds 0, or with `unpriced: cap` what the dearest known model
 * would cost. Does nothing for a key without a budget.
 * @throws RouterError `insufficient_quota` (429) when the key's budget leaves less than that.
 */
export function holdExpectedCost(
  state: RequestState,
  plan: RoutePlan,
  body: ChatRequest | EmbeddingsRequest,
): Promise<void> | void {
  const { parts, context } = state;
  const target = plan.targets[0];
  if (context.key.budgetUsd === null || target === undefined) return undefined;
  const inputTokens = Math.ceil(context.rawBody.byteLength / BYTES_PER_TOKEN);
  const expected = priceAt(state, target, inputTokens, expectedOutputTokens(body));
  return parts.holdBudget(context.key, context.receiptId, expected ?? 0n);
}

/** An answer is seldom as long as it may be: what clients allow counts up to the default only. */
function expectedOutputTokens(body: ChatRequest | EmbeddingsRequest): number {
  if (!Array.isArray(body['messages'])) return 0;
  const asked = body['max_completion_tokens'] ?? body['max_tokens'];
  const choices = typeof body['n'] === 'number' ? Math.max(1, Math.ceil(body['n'])) : 1;
  const each = typeof asked === 'number' && asked >= 0 ? Math.min(Math.ceil(asked), OUTPUT_TOKENS) : OUTPUT_TOKENS;
  return each * choices;
}

function priceAt(state: RequestState, target: Target, inputTokens: number, outputTokens: number): bigint | null {
  const { parts, context } = state;
  const meters = { input_uncached: inputTokens, output_text: outputTokens };
  const cost = supposedCost(parts, context, target, { meters, usageSource: 'estimated' });
  if (cost !== null) return cost;
  return parts.unpricedCap === null ? null : parts.unpricedCap(inputTokens, outputTokens);
}
