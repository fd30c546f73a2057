import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_KEY, startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { inParallel } from '../../../../tools/reliability/in-parallel.js';
import { eventually } from '../../../standalone/test/start-product.js';
import { startLargeUpstream, type LargeUpstream } from './large-upstream.js';

const SLOW_READER_MS = 500;
const MIB = 1024 * 1024;
/** More than the buffers of the system take for a client that does not read. */
const LARGE = 12 * MIB;

let upstream: LargeUpstream;
let gateway: GatewayProcess;
beforeAll(async () => {
  upstream = await startLargeUpstream();
  gateway = await startGateway({
    configuration: `
providers: { large: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: none } }
reliability: { slow_reader_ms: ${SLOW_READER_MS} }
cache: { exact: false }
`,
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

function head(model: string, stream = false): string {
  const body = JSON.stringify({ model: `large/${model}`, stream, messages: [{ role: 'user', content: 'x' }] });
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${CLIENT_KEY}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** A client that sends and reads nothing until it is told to. */
async function silentClient(request: string): Promise<Socket> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(request);
  return socket;
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${gateway.origin}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 'NaN');
}
const givenUp = (): Promise<number> => metric('nextmodel_unread_answers_total');

async function lastReceipt(): Promise<Record<string, unknown>> {
  const response = await fetch(`${gateway.baseUrl}/receipts?limit=1`, {
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
  });
  return ((await response.json()) as { data: Record<string, unknown>[] }).data[0] ?? {};
}

/** Reads to the end: what there was, and whether the other side closed. */
async function readAll(socket: Socket, quietMs: number): Promise<{ readonly bytes: number; readonly closed: boolean }> {
  let bytes = 0;
  socket.on('data', (part: Buffer) => (bytes += part.byteLength));
  socket.resume();
  for (let last = -1; last !== bytes && !socket.closed;) {
    last = bytes;
    await sleep(quietMs);
  }
  return { bytes, closed: socket.closed };
}

describe('a client that reads nothing', () => {
  it('of a large JSON answer is given up in time; the receipt says that the answer was whole', async () => {
    const before = await givenUp();

    const socket = await silentClient(head(`json:${LARGE}`));
    await eventually(async () => (await givenUp()) === before + 1);
    const read = await readAll(socket, 200);

    expect(read.closed).toBe(true);
    expect(read.bytes).toBeLessThan(LARGE);
    expect(await metric('nextmodel_unread_answer_bytes')).toBe(0);
    expect(await lastReceipt()).toMatchObject({ status: 'ok', http_status: 200 });
    expect(gateway.output).toContain('their clients did not read them');
  });

  it('of a stream ends the call, with a receipt that says so', async () => {
    const before = await givenUp();
    const socket = await silentClient(head('endless', true));
    await eventually(() => upstream.streams() === 1);
    await eventually(() => upstream.streams() === 0);
    const receipt = await eventually(async () => {
      const last = await lastReceipt();
      return last['streamed'] === true && last;
    });
    await eventually(async () => (await givenUp()) === before + 1);
    const read = await readAll(socket, 200);

    expect(receipt).toMatchObject({ status: 'aborted', http_status: 499, error_code: 'client_closed' });
    expect(read.closed).toBe(true);
  });

  it('of the end of a stream is given up too: the connection does not stay for ever', async () => {
    const before = await givenUp();

    const socket = await silentClient(head(`event:${7 * MIB}`, true));
    await eventually(async () => (await givenUp()) > before);

    expect((await readAll(socket, 200)).closed).toBe(true);
  });
});

describe('a client that reads', () => {
  it('slowly but always gets all of a large answer, over several times the limit', async () => {
    const before = await givenUp();
    const socket = await silentClient(head(`json:${LARGE}`));
    let bytes = 0;
    const beganMs = performance.now();
    while (bytes < LARGE) {
      const part = socket.read() as Buffer | null;
      if (part !== null) bytes += part.byteLength;
      await sleep(part === null ? 5 : 12);
      if (performance.now() - beganMs > 60_000 || socket.destroyed) break;
    }

    expect(bytes).toBeGreaterThanOrEqual(LARGE);
    expect(performance.now() - beganMs).toBeGreaterThan(2 * SLOW_READER_MS);
    expect(await givenUp()).toBe(before);
    socket.destroy();
  });

  it('keeps its connection: neither idle time between requests nor a late answer counts', async () => {
    const socket = connect({ port: gateway.port, host: '127.0.0.1' });
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    const answers = (): number => text.split('HTTP/1.1 200').length - 1;

    socket.write(head(`json:${LARGE}`));
    await eventually(() => text.length > LARGE);
    await sleep(2 * SLOW_READER_MS);
    socket.write(head(`late:${2 * SLOW_READER_MS}`));
    await eventually(() => answers() === 2);
    await sleep(2 * SLOW_READER_MS);
    // Two at once: the second waits behind the first, longer than the limit.
    socket.write(head(`json:${LARGE}`) + head(`late:${2 * SLOW_READER_MS}`));
    await eventually(() => answers() === 4);

    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});

describe('200 clients that read nothing of 5 MiB each', () => {
  it('cost bounded memory, and everybody else is served', async () => {
    const before = await givenUp();
    const sockets: Socket[] = [];
    let peakBytes = 0;
    let peakRss = 0;
    const startRss = gateway.usage().rssBytes;

    await inParallel(200, 8, async () => {
      const asked = upstream.asked.length;
      sockets.push(await silentClient(head(`json:${5 * MIB}`)));
      await eventually(() => upstream.asked.length > asked);
      peakBytes = Math.max(peakBytes, await metric('nextmodel_unread_answer_bytes'));
      peakRss = Math.max(peakRss, gateway.usage().rssBytes);
    });
    const served = await fetch(`${gateway.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${CLIENT_KEY}` },
      body: JSON.stringify({ model: 'large/late:0', messages: [{ role: 'user', content: 'x' }] }),
    });
    await eventually(async () => (await metric('nextmodel_unread_answer_bytes')) === 0, 30_000);

    expect(served.status).toBe(200);
    expect(await givenUp()).toBeGreaterThan(before);
    expect(peakBytes).toBeLessThanOrEqual(256 * MIB);
    // What waits, what is being made ready for eight at a time, and what the collector has not seen yet.
    expect(peakRss - startRss).toBeLessThan(800 * MIB);
    for (const socket of sockets) socket.destroy();
  });
});
