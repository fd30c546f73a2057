import { decimalToPico, picoToDecimal } from '#events/domain/money.js';
import { RouterError } from '#events/domain/router-error.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import { excludeTargets } from '#routing/domain/exclude-targets.js';
import type { RoutePlan, Target } from '#routing/domain/route-plan.js';

const HEADER = 'x-nextmodel-max-cost-usd';

export interface CostLimitQuestion {
  readonly plan: RoutePlan;
  readonly body: ChatRequest | EmbeddingsRequest;
  readonly bodyBytes: number;
  /** `x-nextmodel-max-cost-usd`; `undefined` = no limit. */
  readonly header: string | undefined;
  /** `prices.unpriced` of the configuration. */
  readonly unpriced: 'allow' | 'block' | 'cap';
  /** Price of so many tokens at a target, picodollars; `null` = unpriced, which with `cap` none is. */
  readonly price: (target: Target, inputTokens: number, outputTokens: number) => bigint | null;
}

/**
 * Keeps the targets that cannot cost more than the client allows, and, where the configuration asks for it, those with
 * a price. The bound holds for every attempt: a token has at least one byte, and the output has at most `max_tokens`
 * for each of `n` choices.
 * @returns the plan with the targets that are left; the others stand among its candidates with the reason.
 * @throws RouterError `cost_limit_exceeded` (400) when none is left, `invalid_request` (400) for a header that is no
 *   amount, or a limit on a request that does not say how long its answer may be.
 */
export function limitCost(question: CostLimitQuestion): RoutePlan {
  const { plan, header, unpriced } = question;
  if (header === undefined && unpriced !== 'block') return plan;
  const limit = header === undefined ? null : readLimit(header);
  const outputTokens = outputBound(question.body, limit !== null);
  const excluded = new Map<string, string>();
  let least: bigint | null = null;
  const targets = plan.targets.filter((target) => {
    const bound = question.price(target, question.bodyBytes, outputTokens);
    if (bound === null) {
      excluded.set(nameOf(target), 'excluded:unpriced');
      return false;
    }
    if (least === null || bound < least) least = bound;
    if (limit === null || bound <= limit) return true;
    excluded.set(nameOf(target), 'excluded:cost_limit');
    return false;
  });
  if (targets.length === 0) throw nothingLeft(plan, least, header);
  return excluded.size === 0 ? plan : excludeTargets(plan, (target) => excluded.get(nameOf(target)));
}

const nameOf = (target: Target): string => `${target.provider}/${target.model}`;

function readLimit(header: string): bigint {
  const limit = decimalToPico(header);
  if (limit !== null && limit >= 0n) return limit;
  throw new RouterError({
    code: 'invalid_request',
    publicMessage: `Header ${HEADER} must be a decimal number of US dollars.`,
    httpStatus: 400,
    param: HEADER,
  });
}

/** Longest answer in tokens over all choices. */
function outputBound(body: ChatRequest | EmbeddingsRequest, limited: boolean): number {
  if (!Array.isArray(body['messages'])) return 0;
  const asked = body['max_completion_tokens'] ?? body['max_tokens'];
  const choices = typeof body['n'] === 'number' ? Math.max(1, body['n']) : 1;
  if (typeof asked === 'number' && asked >= 0) return Math.ceil(asked) * choices;
  if (!limited) return 0;
  throw new RouterError({
    code: 'invalid_request',
    publicMessage: `Header ${HEADER} needs max_completion_tokens or max_tokens: an answer of any length may cost anything.`,
    httpStatus: 400,
    param: 'max_completion_tokens',
  });
}

function nothingLeft(plan: RoutePlan, least: bigint | null, header: string | undefined): RouterError {
  const publicMessage =
    least === null
      ? `No price is known for ${plan.targets.map(nameOf).join(', ')}, so the cost cannot be limited.`
      : `This request may cost up to $${picoToDecimal(least)}, more than the limit of $${header ?? ''}.`;
  const param = least === null ? 'model' : HEADER;
  return new RouterError({ code: 'cost_limit_exceeded', publicMessage, httpStatus: 400, param });
}
