import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import { describe, expect, it } from 'vitest';
import { adjustedRecord, ArrayLog, sealedRecord } from '../__fixtures__/array-log.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { effectiveCost } from '../domain/effective-cost.js';
import type { Generation } from '../domain/generation.js';
import { rerateReceipt } from '../domain/rerate-receipt.js';
import { reconcileGenerations } from './reconcile-generations.js';
import { readAdjustments } from './scan-receipts.js';

const AT = '2026-11-24T12:00:00.000Z';
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const found = [...generateReceipts({ seed: 9, count: 200, endMs: Date.UTC(2026, 10, 20), days: 3, tenants: 1 })].find(
  ({ attempts }) => attempts.length === 1 && attempts[0]?.provider === 'openrouter' && attempts[0].status === 'ok',
);
if (found === undefined) throw new Error('the generator makes some');
const base: Receipt = found;
const attempt = base.attempts[0] as AttemptLine;

/** A receipt of calls that cost so much by our book; `null` = not known. */
function receiptOf(n: number, ...calls: readonly Partial<AttemptLine>[]): Receipt {
  const receiptId = base.receiptId.slice(0, -2) + String(n).padStart(2, '0');
  const attempts = calls.map((change, at) => ({
    ...attempt,
    n: at + 1,
    providerRequestId: `gen-${n}-${at + 1}`,
    meters: { input_uncached: 70, input_cache_read: 30, output_text: 20 },
    usageSource: 'provider' as const,
    billed: 'yes' as const,
    costPicoUsd: '1000000',
    ...change,
  }));
  const costs = attempts.map(({ costPicoUsd }) => costPicoUsd);
  const cost = costs.reduce<bigint | null>((sum, one) => (sum === null || one === null ? null : sum + BigInt(one)), 0n);
  return { ...base, receiptId, attempts, costPicoUsd: cost === null ? null : String(cost) };
}

const told = (cost: bigint, change: Partial<Generation> = {}): Generation => ({
  id: '',
  cost,
  promptTokens: 100,
  completionTokens: 20,
  cachedTokens: 30,
  cancelled: false,
  ...change,
});

function setUp(receipts: readonly Receipt[], books: Readonly<Record<string, Generation>>) {
  const log = new ArrayLog();
  for (const receipt of receipts) log.append(0, sealedRecord(receipt));
  const asked: string[] = [];
  const source = {
    find: (id: string) => {
      asked.push(id);
      return Promise.resolve(books[id] ?? null);
    },
  };
  const run = (adjust: boolean) =>
    reconcileGenerations({
      reader: log,
      window: ALL,
      books: new Map([['openrouter', source]]),
      adjustedAt: AT,
      ...(adjust
        ? {
            append: (adjustments) => {
              log.append(0, ...adjustments.map(adjustedRecord));
              return Promise.resolve();
            },
          }
        : {}),
    });
  return { log, run, asked };
}

describe('comparing calls with the provider’s own books', () => {
  it('names the cause of each drift', async () => {
    const { run } = setUp(
      [1, 2, 3, 4, 5, 6, 7].map((n) => receiptOf(n, n === 7 ? { costPicoUsd: null } : {})),
      {
        'gen-1-1': told(1_000_000n),
        'gen-2-1': told(1_300_000n, { cachedTokens: 0 }),
        'gen-3-1': told(1_300_000n, { completionTokens: 40 }),
        'gen-4-1': told(1_000_999n),
        'gen-5-1': told(1_500_000n),
        'gen-7-1': told(1_500_000n),
      },
    );

    const { drifts, corrected } = await run(false);

    const causes = ['none', 'cached_tokens', 'token_counts', 'rounding', 'price', 'missing_there', 'unpriced'];
    expect(drifts.map(({ cause }) => cause)).toEqual(causes);
    expect(corrected).toBe(0);
  });

  it('corrects what was estimated or unknown by one adjustment, once', async () => {
    const receipts = [
      receiptOf(1, { usageSource: 'estimated' }),
      receiptOf(2, { usageSource: 'none', billed: 'unknown', costPicoUsd: null }),
      receiptOf(3, { billed: 'unknown', status: 'timeout' }, { usageSource: 'estimated' }),
      receiptOf(4, {}),
    ];
    const { log, run } = setUp(receipts, {
      'gen-1-1': told(700n),
      'gen-2-1': told(900n),
      'gen-3-1': told(11n),
      'gen-3-2': told(22n),
      'gen-4-1': told(5n),
    });

    const first = await run(true);
    const second = await run(true);

    const adjustments = await readAdjustments(log);
    const effective = receipts.map((one) => effectiveCost(one, adjustments.get(one.receiptId) ?? []));
    expect(effective).toEqual([700n, 900n, 33n, 1_000_000n]);
    expect([...adjustments.values()].flat().map(({ reason }) => reason)).toEqual([
      'late_usage',
      'rerated',
      'late_usage',
    ]);
    expect([first.corrected, second.corrected]).toEqual([3, 0]);
    expect(second.drifts.map(({ cause }) => cause)).toEqual(['none', 'none', 'none', 'none', 'price']);
  });

  it('stands when prices are re-rated afterwards', async () => {
    const receipt = receiptOf(1, { usageSource: 'estimated' });
    const { log, run } = setUp([receipt], { 'gen-1-1': told(700n) });
    await run(true);
    const adjustments = (await readAdjustments(log)).get(receipt.receiptId) ?? [];

    const again = rerateReceipt(receipt, adjustments, (_, line) => ({ ...line, costPicoUsd: '5' }));

    expect(adjustments).toHaveLength(1);
    expect(again).toMatchObject({ before: 700n, after: 700n, adjustment: null });
  });

  it('leaves a receipt alone of which another part is still unknown', async () => {
    const dark = { usageSource: 'none', billed: 'unknown', costPicoUsd: null } as const;
    const { run } = setUp([receiptOf(1, dark, dark)], { 'gen-1-2': told(5n) });

    const { drifts, corrected } = await run(true);

    expect(drifts.map(({ cause }) => cause)).toEqual(['missing_there', 'late_usage']);
    expect(corrected).toBe(0);
  });

  it('asks only for calls that may have been charged and have an id of the books', async () => {
    const { run, asked } = setUp(
      [receiptOf(1, { billed: 'no' }), receiptOf(2, { providerRequestId: 'ray-1' }), receiptOf(3, { provider: 'ark' })],
      {},
    );

    await run(false);

    expect(asked).toEqual([]);
  });
});
