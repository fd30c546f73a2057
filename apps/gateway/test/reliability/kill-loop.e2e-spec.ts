import { describe, expect, it } from 'vitest';
import { runKillLoop } from '../../../../tools/reliability/kill-loop.js';

describe('SIGKILL at every named moment and at random ones', () => {
  it('loses no receipt, doubles none, and leaves costs, tenants and what clients were told in order', async () => {
    const report = await runKillLoop({ kills: 1, randomKills: 6 });

    expect(report.violations).toEqual([]);
    expect(report.notReached).toEqual([]);
    expect(report.kills).toBeGreaterThanOrEqual(24);
    expect(report.unknown).toBeGreaterThan(0);
    expect(report.receipts).toBeGreaterThan(200);
    expect(report.readyMsMax).toBeLessThan(15_000);
  });
});
