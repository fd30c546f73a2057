import { describe, expect, it } from 'vitest';
import { judgeOverload } from '../../../../tools/reliability/judge-overload.js';
import { runOverload } from '../../../../tools/reliability/run-overload.js';

describe('half as many requests again as one gateway can serve', () => {
  // The goals are 0.8 and 50 ms on a quiet machine (`npm run overload`). A queue that nobody watches serves a tenth or
  // less, and answers after seconds.
  it('goes on serving, and tells the rest early when to come again', async () => {
    const report = await runOverload({
      rates: [1.5],
      secondsPerRate: 4,
      warmUpSeconds: 3,
      peakSeconds: 2,
      connections: 1_024,
    });

    expect(judgeOverload(report.peakPerSecond, report.rows, { goodputMin: 0.5, refusalP99Ms: 500 })).toEqual([]);
  });
});
