import { describe, expect, it } from 'vitest';
import type { ReceiptRollups } from '#receipts/ports/receipt-rollups.js';
import { RollupKeeper } from '#receipts/usecases/rollup-keeper.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { IngesterMetrics } from './ingester-metrics.js';
import { keepRollups, nextTime } from './keep-rollups.js';
import { serveMetrics } from './serve-metrics.js';

const logger = createLogger({ level: 'error' });

/** Rollups of two days of which one is wrong until it is made again. */
class TwoDays implements ReceiptRollups {
  readonly made: string[] = [];
  wrong = new Set(['2026-11-20']);
  fails = 0;

  async rollupDays(): Promise<readonly string[]> {
    return ['2026-11-20', '2026-11-21'];
  }

  async suspectDays(): Promise<readonly string[]> {
    if (this.fails > 0) {
      this.fails -= 1;
      throw new Error('away');
    }
    return [...this.wrong];
  }

  async compareRollups(day: string): ReturnType<ReceiptRollups['compareRollups']> {
    return this.wrong.has(day) ? [{ rollup: 'spend_hourly', day, requests: 1n, requestsRight: 2n }] : [];
  }

  async rebuildRollups(day: string): Promise<void> {
    this.made.push(day);
    this.wrong.delete(day);
  }
}

describe('keeping the rollups', () => {
  it('makes at the start what a dead process left to do, also when the store is away at first', async () => {
    const abort = new AbortController();
    const rollups = new TwoDays();
    rollups.fails = 1;
    const metrics = new IngesterMetrics();

    const keeping = keepRollups({
      rollups,
      keeper: new RollupKeeper(),
      checkAt: null,
      metrics,
      logger,
      signal: abort.signal,
      turnMs: 1,
    });
    await expect.poll(() => rollups.made, { timeout: 10_000 }).toEqual(['2026-11-20']);
    abort.abort();
    await keeping;

    expect(metrics.text()).toContain('nextmodel_rollup_days_total{why="changed"} 1');
  });

  it('knows the next time of the check', () => {
    const now = Date.UTC(2026, 10, 24, 3, 30);

    expect(nextTime('03:31', now)).toBe(Date.UTC(2026, 10, 24, 3, 31));
    expect(nextTime('03:30', now)).toBe(Date.UTC(2026, 10, 25, 3, 30));
    expect(nextTime(null, now)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the metrics of the ingester', () => {
  it('are served on their port and nothing else is; a port in use costs the metrics only', async () => {
    const metrics = new IngesterMetrics();
    metrics.step({ kind: 'unanswered', step: 'insert into receipts', afterMs: 30_000 });
    const server = await serveMetrics('127.0.0.1', 0, metrics, logger);

    const answer = await fetch(`http://127.0.0.1:${server?.port}/metrics`);
    const other = await fetch(`http://127.0.0.1:${server?.port}/`);

    expect(await answer.text()).toContain(
      'nextmodel_ingester_steps_total{step="insert into receipts",outcome="unanswered"} 1',
    );
    expect(other.status).toBe(404);
    expect(await serveMetrics('127.0.0.1', server?.port ?? 0, metrics, logger)).toBeNull();
    await server?.close();
  });
});
