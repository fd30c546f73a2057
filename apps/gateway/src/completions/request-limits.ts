import type { AttemptLimits } from '#dispatch/ports/dispatcher.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import { limitCost } from './cost-limit.js';
import type { RequestState } from './request-state.js';
import { readPositiveInteger, type RequestContext } from './request-context.js';

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
    price: (target, inputTokens, outputTokens) => {
      const { costPicoUsd } = parts.prices.price({
        provider: target.provider,
        providerKind: parts.registry.get(target.provider)?.adapter.kind ?? '',
        model: target.model,
        tenantId: context.key.tenantId,
        atMs: context.acceptedMs,
        meters: { input_uncached: inputTokens, output_text: outputTokens },
        serviceTier: null,
        usageSource: 'estimated',
        billed: 'yes',
        providerCostPicoUsd: null,
      });
      return costPicoUsd === null ? null : BigInt(costPicoUsd);
    },
  });
}
