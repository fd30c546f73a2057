import { describe, expect, it } from 'vitest';
import { LatencyBook } from './latency-book.js';
import { RetryBudget } from './retry-budget.js';

const takeAll = (budget: RetryBudget, nowMs: number): number => {
  let taken = 0;
  while (budget.takeRetry(nowMs)) taken += 1;
  return taken;
};

describe('RetryBudget', () => {
  it('has a floor of three a second over ten seconds', () => {
    expect(takeAll(new RetryBudget(), 0)).toBe(30);
  });

  it('gives a fifth of the requests of the last ten seconds', () => {
    const budget = new RetryBudget();
    for (let i = 0; i < 1_000; i += 1) budget.request(i * 9);

    expect(takeAll(budget, 9_000)).toBe(200);
  });

  it('gives again what is older than ten seconds', () => {
    const budget = new RetryBudget();
    takeAll(budget, 0);

    expect(budget.takeRetry(9_999)).toBe(false);
    expect(budget.takeRetry(10_000)).toBe(true);
  });
});

describe('LatencyBook', () => {
  it('gives the median of the last 64 answers', () => {
    const book = new LatencyBook();
    expect(book.p50('p', 'm')).toBeNull();

    for (let i = 0; i < 64; i += 1) book.add('p', 'm', 1_000);
    for (let i = 1; i <= 64; i += 1) book.add('p', 'm', i);

    expect(book.p50('p', 'm')).toBe(32);
  });
});
