import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_KEY, startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { eventually } from '../../../standalone/test/start-product.js';
import { startLargeUpstream, type LargeUpstream } from './large-upstream.js';
import { bodyOf, send, sendBytes, type Ask, type Told } from './raw-request.js';

/** Requests that break into proxies. Smuggling shapes stand in `hostile-requests.e2e-spec.ts`, limits in `limits`. */
const MIB = 1024 * 1024;
const HEADERS_MS = 1_500;
const REQUEST_MS = 2_500;

let elsewhere: Server;
let elsewherePort: number;
let hits = 0;
let upstream: LargeUpstream;
let gateway: GatewayProcess;
/** Gives its clients little time. */
let hasty: GatewayProcess;
beforeAll(async () => {
  elsewhere = createServer((_request, response) => {
    hits += 1;
    response.end('{}');
  }).listen(0, '127.0.0.1');
  elsewhere.on('connection', () => (hits += 1));
  await once(elsewhere, 'listening');
  elsewherePort = (elsewhere.address() as AddressInfo).port;
  upstream = await startLargeUpstream(`http://127.0.0.1:${elsewherePort}/v1/chat/completions`);
  const start = (reliability: string): Promise<GatewayProcess> =>
    startGateway({
      configuration: `
providers:
  large: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: none }
  second: { kind: openai-compatible, base_url: "${upstream.baseUrl}", api_key: none }
reliability: { max_attempts: 1${reliability} }
`,
      nodeFlags: ['--unhandled-rejections=strict'],
    });
  gateway = await start('');
  hasty = await start(`, client_headers_ms: ${HEADERS_MS}, client_request_ms: ${REQUEST_MS}`);
});
afterAll(async () => {
  await gateway?.close();
  await hasty?.close();
  await upstream?.close();
  elsewhere?.close();
});

const ask = (over: Partial<Ask>): Promise<Told> => send({ port: gateway.port, model: 'large/late:0', ...over });
const raw = (members: string): string =>
  `{"model":"large/late:0","messages":[{"role":"user","content":"x"}],${members}}`;
async function expectAlive(which = gateway): Promise<void> {
  expect([which.exit, (await ask({ port: which.port })).status]).toEqual([null, 200]);
  expect(which.output).not.toMatch(/unhandled|failed inside the gateway/i);
}

describe('requests that never end', () => {
  const start = 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n';
  const authorized = `${start}authorization: Bearer ${CLIENT_KEY}\r\n`;

  it('get 408 in JSON and their connection is closed; past authentication they have a receipt', async () => {
    const answers = await Promise.all(
      [
        start,
        `${start}x-a: `,
        `${authorized}content-length: 99\r\nx-nextmodel-tags: slow=body\r\n\r\n{"model":`,
        `${authorized}transfer-encoding: chunked\r\nx-nextmodel-tags: slow=chunk\r\n\r\nff\r\n{"model":`,
      ].map((bytes) => sendBytes(hasty.port, bytes)),
    );

    for (const { text } of answers) {
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      expect(text).toContain('"type":"invalid_request_error","param":null,"code":null');
    }
    for (const slow of ['body', 'chunk']) {
      const receipt = await eventually(async () => {
        const listed = await fetch(`${hasty.baseUrl}/receipts?limit=5`, {
          headers: { authorization: `Bearer ${CLIENT_KEY}` },
        });
        const { data } = (await listed.json()) as { data: Record<string, unknown>[] };
        return data.find((each) => JSON.stringify(each['tags']) === JSON.stringify({ slow }));
      });
      expect(receipt).toMatchObject({ status: 'aborted', http_status: 499, cost_usd: '0' });
    }
    await expectAlive(hasty);
  });

  it('a byte now and then is no life sign, in headers or in a body, on 100 connections, and nobody else waits', async () => {
    const slow = Array.from({ length: 100 }, (_, n): Socket => {
      const socket = connect({ port: hasty.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(n % 2 === 0 ? `${start}x-a: ` : `${authorized}content-length: 100000\r\n\r\n`);
      return socket;
    });
    const drip = setInterval(() => {
      for (const socket of slow) if (socket.writable) socket.write('a');
    }, 100);

    const served = await Promise.all(Array.from({ length: 20 }, () => ask({ port: hasty.port })));
    await eventually(() => slow.every((socket) => socket.closed), 30_000);
    clearInterval(drip);

    expect(new Set(served.map((told) => told.status))).toEqual(new Set([200]));
    await expectAlive(hasty);
  });
});

describe('floods of headers', () => {
  it.each([
    ['many names', Array.from({ length: 5_000 }, (_, n) => `x-${n}: 1\r\n`).join('')],
    ['one name', 'x-a: 1\r\n'.repeat(1_500)],
    ['one long value', `x-a: ${'a'.repeat(1_000_000)}\r\n`],
    ['one long name', `${'a'.repeat(100_000)}: 1\r\n`],
  ])('of %s are 431 in JSON', async (_name, headers) => {
    const body = bodyOf('large/late:0');
    const { text } = await sendBytes(
      gateway.port,
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${CLIENT_KEY}\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`,
    );

    // A connection that is reset while it still sends may lose the answer on its way.
    if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"request_too_large"/);
    await expectAlive();
  });
});

describe('numbers', () => {
  it.each([
    '"temperature":1e999',
    '"temperature":-1e999',
    '"seed":1e999',
    '"max_tokens":1e999',
    '"max_tokens":999999999999999999999999999999',
    '"max_tokens":-1',
    '"n":1e308',
    '"seed":123456789012345678901234567890',
    '"unknown":1e999',
    '"metadata":{"a":[1,2,{"b":-1e999}]}',
    '"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":1e400}}}]',
  ])('%s is refused before anything is sent', async (members) => {
    const before = upstream.asked.length;

    const told = await ask({ raw: raw(members) });

    expect([told.status, told.code]).toEqual([400, null]);
    expect(told.receiptId).toMatch(/^rcpt_/);
    expect(upstream.asked.length).toBe(before);
  });

  it.each(['"unknown":123456789012345678901234567890', '"unknown":1e-999', '"unknown":-0', '"logit_bias":{"1":1e308}'])(
    '%s is the provider’s to judge',
    async (members) => {
      expect((await ask({ raw: raw(members) })).status).toBe(200);
    },
  );

  it.each(['NaN', 'Infinity', '0x10', '01', '1_000', '+1'])('%s is no JSON', async (text) => {
    expect((await ask({ raw: raw(`"seed":${text}`) })).code).toBe('invalid_json');
  });
});

describe('bodies', () => {
  it.each([
    ['deep arrays', '['.repeat(2_000_000)],
    ['deep arrays that end', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`],
    ['deep objects', `${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}`],
    [
      'deep objects in a field',
      `{"model":"large/late:0","messages":[{"role":"user","content":"x"}],"deep":${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}}`,
    ],
  ])('of %s are refused', async (_name, text) => {
    const told = await ask({ raw: text });

    expect(told.status).toBe(400);
    expect(told.receiptId).toMatch(/^rcpt_/);
    await expectAlive();
  });

  it.each([
    ['a text of 3 MiB', { unknown: 'u'.repeat(3 * MIB) }],
    ['a list of 300,000', { unknown: Array.from({ length: 300_000 }, () => 0) }],
    ['100,000 members', { unknown: Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n])) }],
    ['100,000 members at the top', Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n]))],
  ])('with %s that nobody knows go through, and others are served meanwhile', async (_name, extra) => {
    const [large, ...others] = await Promise.all([ask({ extra }), ask({}), ask({}), ask({})]);

    expect(large?.status).toBe(200);
    expect(others.map((told) => told.status)).toEqual([200, 200, 200]);
  });

  it.each([
    '"__proto__":{"stream":true,"polluted":"yes"}',
    '"constructor":{"prototype":{"stream":true,"polluted":"yes"}}',
    '"metadata":{"__proto__":{"tags":["a=b"]},"constructor":1}',
    '"provider":{"__proto__":{"only":["second"]},"toString":1}',
    '"tools":[{"type":"function","function":{"name":"__proto__"},"__proto__":{"x":1}}]',
    '"user":"__proto__"',
    '"models":["__proto__","constructor","toString"]',
    '"stream_options":{"__proto__":{"include_usage":true}}',
  ])('that name the prototype change nothing: %s', async (members) => {
    const told = await ask({
      raw: raw(members),
      headers: [['x-nextmodel-tags', '__proto__=x,constructor=y']],
    });
    const next = await ask({});

    expect(told.status).toBe(200);
    expect(told.headers['content-type']).toContain('application/json');
    expect([next.status, next.headers['content-type']]).toEqual([200, told.headers['content-type']]);
    expect(`${told.text}${next.text}`).not.toContain('polluted');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__proto__/x', 'constructor/name'])(
    'that ask for the model %s get none',
    async (model) => {
      const told = await ask({ model });

      expect([told.status, told.code]).toEqual([404, 'model_not_found']);
    },
  );
});

describe('the address of the provider', () => {
  it.each([301, 302, 303, 307, 308])('is not where a provider redirects to (%i)', async (status) => {
    const told = await ask({ model: `large/redirect:${status}` });

    expect([told.status, told.code]).toEqual([502, 'upstream_bad_response']);
    expect(hits).toBe(0);
  });

  it('is not for a client to choose, in any field, header, name or request line', async () => {
    const there = `http://127.0.0.1:${elsewherePort}`;
    const told = await Promise.all([
      ...['base_url', 'api_base', 'baseURL', 'url', 'endpoint', 'api_url', 'host', 'proxy'].map((name) =>
        ask({ extra: { [name]: `${there}/v1`, provider: { order: ['large'] } } }),
      ),
      ask({ extra: { provider: { order: ['large'], base_url: there, url: there } } }),
      ask({
        extra: { metadata: { base_url: there }, extra_body: { base_url: there }, litellm_params: { api_base: there } },
      }),
      ...[
        'x-portkey-custom-host',
        'x-forwarded-host',
        'x-original-url',
        'x-rewrite-url',
        'forwarded',
        'helicone-target-url',
        'x-base-url',
        'x-nextmodel-base-url',
        'openai-base-url',
      ].map((name) => ask({ headers: [[name, name === 'forwarded' ? `host=127.0.0.1:${elsewherePort}` : there]] })),
      ask({ model: `${there}/v1` }),
      ask({ model: `large/../../..//127.0.0.1:${elsewherePort}` }),
      ask({ model: `large@127.0.0.1:${elsewherePort}/x` }),
      ask({ extra: { models: [`${there}/x`], fallbacks: [`${there}/x`, { model: 'x', api_base: there }] } }),
    ]);
    const body = bodyOf('large/late:0');
    const absolute = await sendBytes(
      gateway.port,
      `POST ${there}/v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${elsewherePort}\r\nconnection: close\r\nauthorization: Bearer ${CLIENT_KEY}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );

    expect(told.filter((each) => each.status >= 500)).toEqual([]);
    expect(absolute.text).toMatch(/^HTTP\/1\.1 [24]/);
    expect(hits).toBe(0);
    await expectAlive();
  });
});
