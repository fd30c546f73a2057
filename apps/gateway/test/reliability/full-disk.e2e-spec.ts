import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway, type CallResult } from '../../../../tools/reliability/http-call.js';
import { quantile } from '../../../../tools/reliability/in-parallel.js';
import { readLog } from '../../../../tools/reliability/read-history.js';

const REFUSALS = 200;
/** Takes root nobody has to have: the system then refuses every byte beyond it, as a full disk does. */
const limited = spawnSync('prlimit', ['--version']).status === 0;

let upstream: FaultUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({ configuration: faultConfiguration({ upstream: upstream.baseUrl }) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Files of the gateway may be so long and no longer. */
function limitFiles(bytes: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(gateway.pid), `--fsize=${bytes}:`], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

const ask = (n: number): Promise<CallResult> => callGateway(gateway.baseUrl, 'f:ok', { stream: n % 2 === 0 });

describe.skipIf(!limited)('a disk that takes no more bytes (needs prlimit)', () => {
  it('refuses at once and calls nobody, and serves again by itself when there is room', async () => {
    const answered = [];
    for (let n = 0; n < 10; n += 1) answered.push(await ask(n));
    const calls = upstream.calls.length;

    limitFiles('1');
    const refused = [];
    for (let n = 0; n < REFUSALS; n += 1) refused.push(await ask(n));
    const ready = await fetch(`${gateway.origin}/readyz`).then((response) => response.status);
    const called = upstream.calls.length - calls;
    limitFiles('unlimited');
    const back = performance.now();
    let again = await ask(1);
    while (again.status !== 200 && performance.now() - back < 20_000) {
      await sleep(20);
      again = await ask(1);
    }
    const backMs = performance.now() - back;
    const { receipts } = await readLog(join(gateway.directory, 'data'));

    const tookMs = refused.map((result) => result.tookMs);
    console.log(
      `refused in ${tookMs[0]?.toFixed(0)} ms at first, then p50 ${quantile(tookMs.slice(1), 0.5).toFixed(1)} ms, p99 ${quantile(tookMs.slice(1), 0.99).toFixed(1)} ms; served again after ${backMs.toFixed(0)} ms`,
    );
    expect(answered.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    for (const { status, body } of refused) {
      expect([status, JSON.parse(body.toString('utf8'))]).toEqual([
        503,
        { error: expect.objectContaining({ code: 'receipt_log_unavailable', type: expect.any(String), param: null }) },
      ]);
    }
    expect(called).toBe(0);
    expect(ready).toBe(503);
    expect(quantile(tookMs, 0.5)).toBeLessThan(100);
    expect(again.status).toBe(200);
    expect(backMs).toBeLessThan(5_000);
    expect(receipts.map(({ status }) => status)).toEqual(Array.from({ length: 11 }, () => 'ok'));
  });
});
