import { Agent } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutateBody } from '../../../../tools/reliability/body-mutations.js';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { CLIENT_KEY, startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway, newId, openAiError } from '../../../../tools/reliability/http-call.js';
import { inParallel, quantile } from '../../../../tools/reliability/in-parallel.js';
import { seededRandom } from '../../../../tools/reliability/seeded-random.js';
import { RAW_CASES, sendRaw } from '../../../../tools/reliability/smuggling-corpus.js';

const LONG = process.env['RELIABILITY'] === 'long';
const BODIES = LONG ? 20_000 : 1_000;

let upstream: FaultUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({ upstream: upstream.baseUrl }),
    nodeFlags: ['--unhandled-rejections=strict'],
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const expectAlive = async (): Promise<void> => {
  const after = await callGateway(gateway.baseUrl, 'f:ok');
  expect([gateway.exit, after.status]).toEqual([null, 200]);
};

describe('raw bytes on the socket', () => {
  it.each(RAW_CASES.map((raw) => [raw.name, raw] as const))('%s', async (_name, raw) => {
    const id = newId();

    const answer = await sendRaw(gateway.port, raw, id);

    if (raw.statuses !== null && answer.status !== null) expect(raw.statuses).toContain(answer.status);
    expect(upstream.seen(id).length).toBeLessThanOrEqual(raw.callsMax);
    await expectAlive();
  });

  it('a hundred connections that send their bodies slowly keep nobody waiting', async () => {
    const slow = Array.from({ length: 100 }, () => {
      const socket = connect(gateway.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${CLIENT_KEY}\r\ncontent-length: 100000\r\n\r\n{"model":`,
      );
      return socket;
    });
    await sleep(100);

    const times = await Promise.all(
      Array.from({ length: 20 }, async () => (await callGateway(gateway.baseUrl, 'f:ok')).tookMs),
    );

    expect(quantile(times, 0.99)).toBeLessThan(1_500);
    for (const socket of slow) socket.destroy();
    await expectAlive();
  });
});

describe('mutated bodies', () => {
  it(
    `are answered or refused, ${BODIES} of them, never by an error of the gateway itself`,
    async () => {
      const random = seededRandom(7);
      const agent = new Agent({ keepAlive: true, maxSockets: 8 });
      const statuses = new Map<number, number>();
      const bad: string[] = [];
      const lags: number[] = [];
      const over = new AbortController();
      const watching = (async () => {
        while (!over.signal.aborted) {
          const beganMs = performance.now();
          await fetch(`${gateway.origin}/healthz`).then((response) => response.text());
          lags.push(performance.now() - beganMs);
          await sleep(20);
        }
      })();

      await inParallel(BODIES, 8, async () => {
        const rawBody = mutateBody(random);
        const result = await callGateway(gateway.baseUrl, '', { rawBody, agent, deadlineMs: 10_000 });
        statuses.set(result.status, (statuses.get(result.status) ?? 0) + 1);
        const refused = result.status >= 400 && result.status < 500 && openAiError(result.body) !== null;
        if (result.hung || (result.status !== 200 && !refused))
          bad.push(
            `${result.status} ${result.error} ${rawBody.toString('utf8').slice(0, 300)} → ${result.body.toString('utf8').slice(0, 200)}`,
          );
      });
      over.abort();
      await watching;
      agent.destroy();

      if (LONG)
        console.log(
          JSON.stringify({ statuses: [...statuses], lagMs: { p50: quantile(lags, 0.5), p99: quantile(lags, 0.99) } }),
        );
      expect(bad.slice(0, 5)).toEqual([]);
      expect(statuses.get(200)).toBeGreaterThan(BODIES / 20);
      expect(quantile(lags, 0.99)).toBeLessThan(LONG ? 50 : 250);
      expect(gateway.output).not.toMatch(/unhandled|failed inside the gateway/i);
      await expectAlive();
    },
    LONG ? 900_000 : 120_000,
  );
});
