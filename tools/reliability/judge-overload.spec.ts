import { describe, expect, it } from 'vitest';
import { judgeOverload, type OverloadRow } from './judge-overload.js';

const goals = { goodputMin: 0.8, refusalP99Ms: 50 };
const row = (over: Partial<OverloadRow>): OverloadRow => ({
  rate: 1.5,
  offeredPerSecond: 1_500,
  goodPerSecond: 900,
  acceptedMs: { p50: 10, p99: 30 },
  refused: 500,
  refusedMs: { p50: 5, p99: 100, max: 125 },
  refusedLaterMs: { p50: 5, p99: 20, max: 25 },
  withRetryAfter: 500,
  errors: {},
  clientBusy: 0.2,
  ...over,
});

describe('judgement of an overload run', () => {
  it('finds nothing when most of the peak is served and the rest is refused early', () => {
    expect(judgeOverload(1_000, [row({}), row({ rate: 3, goodPerSecond: 100 })], goals)).toEqual([]);
  });

  it.each([
    ['goodput fell', row({ goodPerSecond: 799 }), 'goodput at 1.5 × is 80 % of the peak'],
    ['refusals are late', row({ refusedLaterMs: { p50: 5, p99: 50, max: 60 } }), 'refusals at 1.5 × take 50 ms (p99)'],
    ['nobody was refused', row({ refused: 0, withRetryAfter: 0 }), 'nobody was refused'],
    ['a refusal tells no wait', row({ withRetryAfter: 499 }), '1 refusals without retry-after'],
    ['something else was answered', row({ errors: { 500: 2 } }), '2 × 500'],
    ['requests got no answer', row({ errors: { unanswered: 1 } }), '1 × unanswered'],
    ['the client was the bottleneck', row({ clientBusy: 0.95 }), 'the load client was busy itself'],
    ['the judged rate is missing', row({ rate: 3 }), 'nothing was measured at 1.5 ×'],
  ])('says so when %s', (_case, seen, problem) => {
    const problems = judgeOverload(1_000, [seen], goals);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});
