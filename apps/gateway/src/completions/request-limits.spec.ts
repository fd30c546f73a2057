import { describe, expect, it } from 'vitest';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import { holdExpectedCost } from './request-limits.js';
import type { RequestState } from './request-state.js';

const PLAN = { targets: [{ provider: 'p', model: 'm' }] } as unknown as RoutePlan;
const MESSAGES = { model: 'm', messages: [] };

/** 400 bytes of body are 100 tokens; a token of input costs 1 picodollar, one of output 1,000. */
function held(
  body: Record<string, unknown>,
  budgetUsd: string | null = '1',
  priced = true,
  cap = false,
): bigint | null {
  let amount: bigint | null = null;
  const state = {
    context: { key: { budgetUsd, tenantId: 't' }, rawBody: Buffer.alloc(400), receiptId: 'r', acceptedMs: 0 },
    parts: {
      registry: new Map(),
      unpricedCap: cap ? (input: number, output: number) => BigInt(7 * input + 9 * output) : null,
      prices: {
        price: ({ meters }: { meters: { input_uncached: number; output_text: number } }) => ({
          costPicoUsd: priced ? String(meters.input_uncached + 1_000 * meters.output_text) : null,
        }),
      },
      holdBudget: (_key: unknown, _receiptId: string, picoUsd: bigint) => (amount = picoUsd),
    },
  } as unknown as RequestState;
  holdExpectedCost(state, PLAN, body as never);
  return amount;
}

describe('the expected cost that a budget holds', () => {
  it('takes what the client allows for each choice, at most 1,024 tokens', () => {
    expect(held({ ...MESSAGES, max_tokens: 5, n: 2 })).toBe(10_100n);
    expect(held({ ...MESSAGES, max_tokens: 9_999 })).toBe(1_024_100n);
    expect(held(MESSAGES)).toBe(1_024_100n);
  });

  it('has no output for embeddings, and is 0 without a price', () => {
    expect(held({ model: 'm', input: 'x' })).toBe(100n);
    expect(held(MESSAGES, '1', false)).toBe(0n);
    expect(held({ ...MESSAGES, max_tokens: 10 }, '1', false, true)).toBe(790n);
  });

  it('is not asked for when the key has no budget', () => {
    expect(held(MESSAGES, null)).toBeNull();
  });
});
