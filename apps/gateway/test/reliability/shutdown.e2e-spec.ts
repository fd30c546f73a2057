import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway, readStream, type CallResult } from '../../../../tools/reliability/http-call.js';
import { readLog } from '../../../../tools/reliability/read-history.js';

/** Streams, and as many requests for JSON. */
const WIDTH = 200;
const WAVE = 50;

let upstream: FaultUpstream;
let gateway: GatewayProcess;

beforeEach(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({ upstream: upstream.baseUrl, phaseTimeoutMs: 60_000, totalTimeoutMs: 120_000 }),
  });
});
afterEach(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Sends a load, in waves that a cold gateway takes, and waits until all of it is at the provider. */
async function openLoad(stream: string, json: string): Promise<readonly Promise<CallResult>[]> {
  const calls: Promise<CallResult>[] = [];
  while (calls.length < 2 * WIDTH) {
    for (let n = 0; n < WAVE; n += 1) {
      const streamed = n % 2 === 0;
      const options = { stream: streamed, deadlineMs: 60_000, agent: false } as const;
      calls.push(callGateway(gateway.baseUrl, streamed ? stream : json, options));
    }
    await expect.poll(() => upstream.calls.length, { timeout: 30_000 }).toBe(calls.length);
  }
  return calls;
}

/** What each caller was told; an end that tells nothing is what must not be. */
function told(result: CallResult, streamed: boolean): 'whole' | 'error' | 'nothing' {
  if (!result.whole || result.error !== null) return 'nothing';
  const read = readStream(result.body);
  if (result.status === 200 && (!streamed || (read.doneCount === 1 && read.errorFrames === 0))) return 'whole';
  if (result.status === 503 || (streamed && read.errorFrames === 1 && read.doneCount === 0)) return 'error';
  return 'nothing';
}

async function toldAll(calls: readonly Promise<CallResult>[]): Promise<Record<string, number>> {
  const results = await Promise.all(calls);
  const counts: Record<string, number> = {};
  for (const [at, result] of results.entries()) {
    const what = told(result, at % 2 === 0);
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

async function statuses(): Promise<Record<string, number>> {
  const { receipts } = await readLog(join(gateway.directory, 'data'));
  const counts: Record<string, number> = {};
  for (const { status } of receipts) counts[status] = (counts[status] ?? 0) + 1;
  expect(new Set(receipts.map(({ receiptId }) => receiptId)).size).toBe(receipts.length);
  return counts;
}

describe('SIGTERM', () => {
  it('lets 200 streams and 200 JSON answers end whole, refuses who comes, and leaves 400 receipts', async () => {
    const calls = await openLoad('f:s_slow:150', 'f:slow:2000');
    // A connection from before the signal: nobody new gets one afterwards.
    const idle = await openConnection(gateway.port);

    process.kill(gateway.pid, 'SIGTERM');
    const refused = await idle.ask();
    const counts = await toldAll(calls);
    const exit = await gateway.ended;

    expect(counts).toEqual({ whole: 2 * WIDTH });
    expect(refused).toMatch(/^(HTTP\/1\.1 503 |closed)/);
    if (refused !== 'closed') {
      expect(refused).toMatch(/^retry-after: [1-9]/im);
      expect(refused).toMatch(/^connection: close/im);
    }
    expect(exit).toEqual({ code: 0, signal: null });
    expect(await statuses()).toEqual({ ok: 2 * WIDTH });
  });

  it('a second time ends answers at once, each with an error and its receipt', async () => {
    const calls = await openLoad('f:s_slow:4000', 'f:slow:60000');
    await sleep(1_000);

    process.kill(gateway.pid, 'SIGTERM');
    await sleep(1_500);
    const beganMs = performance.now();
    process.kill(gateway.pid, 'SIGTERM');
    const counts = await toldAll(calls);
    const exit = await gateway.ended;

    expect(counts).toEqual({ error: 2 * WIDTH });
    expect(exit).toEqual({ code: 0, signal: null });
    // Without it: thirty seconds.
    expect(performance.now() - beganMs).toBeLessThan(15_000);
    const sealed = await statuses();
    expect(Object.values(sealed).reduce((sum, count) => sum + count, 0)).toBe(2 * WIDTH);
    expect(sealed['ok']).toBeUndefined();
  });
});

/** A raw connection that is open before it is used. @returns the answer to a request sent then, or `closed`. */
async function openConnection(port: number): Promise<{ ask(): Promise<string> }> {
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  // Half a request: so it is no idle connection, which would be closed at once.
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n');
  await sleep(200);
  return {
    ask: async () => {
      await sleep(300);
      const { CLIENT_KEY } = await import('../../../../tools/reliability/gateway-process.js');
      socket.write(
        `authorization: Bearer ${CLIENT_KEY}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`,
      );
      await closed;
      return text === '' ? 'closed' : text;
    },
  };
}
