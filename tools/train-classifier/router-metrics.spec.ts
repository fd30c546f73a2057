import { describe, expect, it } from 'vitest';
import { bootstrapInterval, routerMetrics, seeded } from './router-metrics.mjs';

const random = seeded(3);
const weak = Array.from({ length: 400 }, () => (random() < 0.6 ? 1 : 0));
const strong = Array.from({ length: 400 }, () => (random() < 0.85 ? 1 : 0));
const gain = weak.map((low, i) => (strong[i] ?? 0) - low);

describe('routerMetrics', () => {
  it('gives a constant score exactly one half', () => {
    const { apgr, cpt50, cpt80 } = routerMetrics(
      weak.map(() => 7),
      weak,
      strong,
    );

    expect(apgr).toBe(0.5);
    expect(cpt50).toBeCloseTo(0.5, 12);
    expect(cpt80).toBeCloseTo(0.8, 12);
  });

  it('puts the oracle above every other order and the reverse below', () => {
    const oracle = routerMetrics(gain, weak, strong);
    const reverse = routerMetrics(
      gain.map((each) => -each),
      weak,
      strong,
    );

    expect(oracle.apgr).toBeGreaterThan(1);
    expect(reverse.apgr).toBeLessThan(0);
    expect(oracle.cpt50).toBeLessThan(0.2);
  });

  it('agrees with a curve drawn by hand', () => {
    const { apgr, cpt50 } = routerMetrics([2, 1], [0, 0], [1, 0]);

    expect(apgr).toBe(0.75);
    expect(cpt50).toBe(0.25);
  });

  it('gives the same interval again, around the figure', () => {
    const { apgr } = routerMetrics(gain, weak, strong);
    const interval = bootstrapInterval(gain, weak, strong);

    expect(bootstrapInterval(gain, weak, strong)).toEqual(interval);
    expect(interval[0]).toBeLessThan(apgr);
    expect(interval[1]).toBeGreaterThan(apgr);
  });
});
