import { expect, it } from 'vitest';
import { excludeTargets } from './exclude-targets.js';
import type { Candidate, RoutePlan } from './route-plan.js';

const candidate = (model: string, rank: number | null, reason = 'next'): Candidate => ({
  provider: 'p',
  model,
  rank,
  reason,
  weight: null,
});
const plan = {
  targets: [
    { provider: 'p', model: 'a' },
    { provider: 'p', model: 'b' },
    { provider: 'p', model: 'c' },
  ],
  candidates: [candidate('a', 0), candidate('b', 1), candidate('c', 2), candidate('a', null, 'excluded:duplicate')],
} as unknown as RoutePlan;

it('moves the others up and says the reason, but leaves what was out already', () => {
  const left = excludeTargets(plan, ({ model }) => (model === 'a' ? 'excluded:breaker_open' : undefined));

  expect(left.targets.map(({ model }) => model)).toEqual(['b', 'c']);
  expect(left.candidates.map(({ model, rank, reason }) => [model, rank, reason])).toEqual([
    ['a', null, 'excluded:breaker_open'],
    ['b', 0, 'next'],
    ['c', 1, 'next'],
    ['a', null, 'excluded:duplicate'],
  ]);
});

it('is the very same plan when nothing is taken out', () => {
  expect(excludeTargets(plan, () => undefined)).toBe(plan);
});
