import { describe, expect, it } from 'vitest';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import { limitCost, type CostLimitQuestion } from './cost-limit.js';

const candidate = (model: string, rank: number) => ({ provider: 'up', model, rank, reason: 'first', weight: null });
const plan = {
  requestedModel: 'alias',
  targets: [
    { provider: 'up', model: 'cheap' },
    { provider: 'up', model: 'dear' },
    { provider: 'up', model: 'unknown' },
  ],
  candidates: [candidate('cheap', 0), candidate('dear', 1), candidate('unknown', 2)],
} as unknown as RoutePlan;
/** Picodollars a token: 1 for `cheap`, 1,000 for `dear`, no price for `unknown`. */
const price: CostLimitQuestion['price'] = (target, inputTokens, outputTokens) => {
  const rate = { cheap: 1n, dear: 1_000n }[target.model];
  return rate === undefined ? null : rate * BigInt(inputTokens + outputTokens);
};
const capped: CostLimitQuestion['price'] = (target, ...tokens) => price(target, ...tokens) ?? 10_000n;
const body = (over: object = {}): ChatRequest => ({
  model: 'alias',
  messages: [{ role: 'user', content: 'x' }],
  max_tokens: 100,
  ...over,
});
const ask = (over: Partial<CostLimitQuestion>): CostLimitQuestion => ({
  plan,
  body: body(),
  bodyBytes: 100,
  header: undefined,
  unpriced: 'allow',
  price,
  ...over,
});
const modelsOf = (left: RoutePlan): string[] => left.targets.map((target) => target.model);

describe('limitCost', () => {
  it('leaves the plan alone where nothing is limited', () => {
    expect(limitCost(ask({}))).toBe(plan);
  });

  it('drops every target, fallbacks included, that may cost more or has no price', () => {
    const left = limitCost(ask({ header: '0.0000000002' }));

    expect(modelsOf(left)).toEqual(['cheap']);
    expect(left.candidates.map(({ reason, rank }) => [reason, rank])).toEqual([
      ['first', 0],
      ['excluded:cost_limit', null],
      ['excluded:unpriced', null],
    ]);
  });

  it('counts every choice of n', () => {
    expect(() => limitCost(ask({ header: '0.0000000002', body: body({ n: 8 }) }))).toThrow(/may cost up to/);
  });

  it('refuses by one picodollar, and not by none', () => {
    expect(modelsOf(limitCost(ask({ header: '0.0000000002' })))).toEqual(['cheap']);
    expect(() => limitCost(ask({ header: '0.000000000199' }))).toThrow(/0\.0000000002, more than the limit/);
  });

  it('asks how long the answer may be', () => {
    expect(() => limitCost(ask({ header: '1', body: body({ max_tokens: undefined }) }))).toThrow(
      /max_completion_tokens/,
    );
  });

  it('keeps unpriced fallbacks out where the configuration blocks them', () => {
    expect(modelsOf(limitCost(ask({ unpriced: 'block' })))).toEqual(['cheap', 'dear']);
  });

  it('lets unpriced targets stand where they are capped, and bounds them where a limit is given', () => {
    expect(modelsOf(limitCost(ask({ unpriced: 'cap' })))).toEqual(['cheap', 'dear', 'unknown']);
    expect(modelsOf(limitCost(ask({ unpriced: 'cap', header: '0.00000001', price: capped })))).toEqual([
      'cheap',
      'unknown',
    ]);
    expect(modelsOf(limitCost(ask({ unpriced: 'cap', header: '0.000000001', price: capped })))).toEqual(['cheap']);
  });

  it.each(['free', '-1', '1e3', ''])('refuses the amount %j as the client’s mistake', (header) => {
    expect(() => limitCost(ask({ header }))).toThrow(/decimal number/);
  });
});
