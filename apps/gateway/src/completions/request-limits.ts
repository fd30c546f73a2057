import { RouterError } from '#events/domain/router-error.js';
import { decimalToPico, picoToDecimal } from '#events/domain/money.js';
import type { AttemptLimits } from '#dispatch/ports/dispatcher.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
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

/** Four bytes a token: an upper estimate for the languages that tokenisers were made for. */
const BYTES_PER_TOKEN = 4;
const OUTPUT_TOKENS_DEFAULT = 4_096;

/**
 * Enforces `x-nextmodel-max-cost-usd` and `prices.unpriced: block` before anything is sent. The bound is an estimate
 * from the body's size and `max_tokens`; a model without a price cannot keep a cost limit and is refused under one.
 */
export function checkCostLimit(state: RequestState, body: ChatRequest | EmbeddingsRequest): void {
  const header = state.context.headers('x-nextmodel-max-cost-usd');
  const { parts, plan } = state;
  if (plan === null || (header === undefined && parts.unpriced === 'allow')) return;
  const limit = header === undefined ? null : decimalToPico(header);
  if (header !== undefined && (limit === null || limit < 0n)) {
    throw new RouterError({
      code: 'invalid_request',
      publicMessage: 'Header x-nextmodel-max-cost-usd must be a decimal number of US dollars.',
      httpStatus: 400,
      param: 'x-nextmodel-max-cost-usd',
    });
  }
  const target = plan.targets[0];
  if (target === undefined) return;
  const asked = (body as ChatRequest)['max_completion_tokens'] ?? (body as ChatRequest)['max_tokens'];
  const outputTokens = typeof asked === 'number' ? asked : OUTPUT_TOKENS_DEFAULT;
  const bound = parts.prices.price({
    provider: target.provider,
    providerKind: parts.registry.get(target.provider)?.adapter.kind ?? '',
    model: target.model,
    tenantId: state.context.key.tenantId,
    atMs: state.context.acceptedMs,
    meters: {
      input_uncached: Math.ceil(state.context.rawBody.byteLength / BYTES_PER_TOKEN),
      output_text: state.context.api === 'embeddings' ? 0 : outputTokens,
    },
    serviceTier: null,
    usageSource: 'estimated',
    billed: 'yes',
    providerCostPicoUsd: null,
  }).costPicoUsd;
  if (bound === null) {
    throw new RouterError({
      code: 'cost_limit_exceeded',
      publicMessage: `No price is known for ${target.provider}/${target.model}, so its cost cannot be limited.`,
      httpStatus: 400,
      param: 'model',
    });
  }
  if (limit !== null && BigInt(bound) > limit) {
    throw new RouterError({
      code: 'cost_limit_exceeded',
      publicMessage: `This request may cost up to $${picoToDecimal(BigInt(bound))}, more than the limit of $${header}.`,
      httpStatus: 400,
      param: 'x-nextmodel-max-cost-usd',
    });
  }
}
