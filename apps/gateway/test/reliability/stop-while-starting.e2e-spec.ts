import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { spawnGateway, startGateway, type Exit } from '../../../../tools/reliability/gateway-process.js';
import { callGateway } from '../../../../tools/reliability/http-call.js';
import { readLog, readRows } from '../../../../tools/reliability/read-history.js';

const ANSWERED = 6;
const CUT = 3;
/** Its own, or the default of the system while Node has not come to the first line of the product yet. */
const ENDED: readonly string[] = ['0', 'SIGTERM'];

let upstream: FaultUpstream;
let directory: string;

beforeAll(async () => {
  upstream = await startFaultUpstream();
});
afterAll(() => upstream?.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nextmodel-starting-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

const options = (whole: boolean) => ({
  configuration: faultConfiguration({ upstream: upstream.baseUrl, phaseTimeoutMs: 60_000, totalTimeoutMs: 60_000 }),
  directory,
  whole,
});

/** A life that is killed with requests under way, so that the next start has something to recover. */
async function killedLife(whole: boolean): Promise<number> {
  const beganMs = performance.now();
  const gateway = await startGateway(options(whole));
  const readyMs = performance.now() - beganMs;
  for (let n = 0; n < ANSWERED; n += 1) await callGateway(gateway.baseUrl, 'f:ok', { stream: n % 2 === 0 });
  const before = upstream.calls.length;
  const cut = Array.from({ length: CUT }, () => callGateway(gateway.baseUrl, 'f:slow:60000', { deadlineMs: 60_000 }));
  await expect.poll(() => upstream.calls.length, { timeout: 20_000 }).toBe(before + CUT);
  gateway.kill();
  await Promise.all(cut);
  return readyMs;
}

/** @returns how it ended, and what it said. */
async function endedAfter(ms: number, whole: boolean): Promise<{ readonly exit: Exit; readonly output: string }> {
  const gateway = await spawnGateway(options(whole));
  await sleep(ms);
  const exit = gateway.exit ?? (await gateway.stop());
  const { output } = gateway;
  // The children of a supervisor that has ended may take a moment longer.
  await gateway.close();
  return { exit, output };
}

describe('SIGTERM before it is ready', () => {
  it.each([
    ['a gateway', false, [0.2, 0.5, 0.8]],
    ['the whole product', true, [0.3, 0.7]],
  ])('ends %s at once, and the next start has every receipt', async (_what, whole, moments) => {
    const readyMs = await killedLife(whole);

    for (const moment of moments) {
      const { exit, output } = await endedAfter(moment * readyMs, whole);
      expect(ENDED, output).toContain(String(exit.code ?? exit.signal));
    }
    const next = await startGateway(options(whole));
    const answer = await callGateway(next.baseUrl, 'f:ok');
    const { receipts } = await readLog(join(directory, 'data'));
    if (whole) {
      const rows = (): Promise<readonly unknown[]> => readRows(next.sqlPort).catch(() => []);
      await expect.poll(rows, { timeout: 30_000 }).toHaveLength(ANSWERED + CUT + 1);
    }
    const ended = await next.stop();

    expect(answer.status).toBe(200);
    expect(ended).toEqual({ code: 0, signal: null });
    const byStatus = Object.groupBy(receipts, ({ status }) => status);
    expect([byStatus['ok']?.length, byStatus['unknown']?.length, receipts.length]).toEqual([
      ANSWERED + 1,
      CUT,
      ANSWERED + CUT + 1,
    ]);
    expect(new Set(receipts.map(({ receiptId }) => receiptId)).size).toBe(receipts.length);
  });
});
