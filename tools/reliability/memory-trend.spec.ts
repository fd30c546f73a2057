import { describe, expect, it } from 'vitest';
import { memoryTrend, type Sample } from './memory-trend.js';
import { seededRandom } from './seeded-random.js';

/** Grows by `perMinute`, and between collections by up to 60 MB more. Twenty minutes, a sample each second. */
function sawTooth(perMinute: number): readonly Sample[] {
  const random = seededRandom(5);
  return Array.from({ length: 1_200 }, (_, second) => ({
    atMinutes: second / 60,
    megabytes: 200 + (perMinute * second) / 60 + ((second % 17) / 17) * 60 + random(),
  }));
}

describe('the trend of a memory that goes up and down', () => {
  it.each([0, 0.5, 2])('finds %d MB a minute below saw teeth of 60 MB', (perMinute) => {
    const trend = memoryTrend(sawTooth(perMinute), 5, 0.5);

    expect(trend.windows).toBe(30);
    expect(Math.abs(trend.slopeMbPerMinute - perMinute)).toBeLessThan(0.1);
    expect(trend.uncertainty).toBeLessThan(0.1);
  });

  it('does not look at the warm-up', () => {
    const warming = sawTooth(0).map((sample) =>
      sample.atMinutes < 5 ? { ...sample, megabytes: sample.megabytes - 100 } : sample,
    );

    expect(Math.abs(memoryTrend(warming, 5, 0.5).slopeMbPerMinute)).toBeLessThan(0.1);
  });

  it('knows no uncertainty of two points, and nothing of none', () => {
    const few = [0, 1].map((atMinutes) => ({ atMinutes, megabytes: 10 + atMinutes }));

    expect(memoryTrend(few, 0, 0.5)).toMatchObject({ windows: 2, slopeMbPerMinute: 1, uncertainty: null });
    expect(memoryTrend([], 0, 0.5)).toMatchObject({ windows: 0, slopeMbPerMinute: 0, uncertainty: null });
  });
});
