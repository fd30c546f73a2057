import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startStepServer } from '../../__fixtures__/step-server.js';
import { testProvider } from '../../__fixtures__/test-providers.js';
import { describeUpstreamTransport } from '../../ports/upstream-transport.contract.js';
import type { UpstreamTransport } from '../../ports/upstream-transport.js';
import { UndiciTransport } from './undici-transport.js';

describeUpstreamTransport('undici', async (steps) => {
  const server = await startStepServer(steps);
  const transport = new UndiciTransport();
  const provider = testProvider('p', server.baseUrl);
  return {
    transport,
    provider,
    credential: provider.credentials[0]!,
    aborted: server.aborted,
    close: async () => {
      await transport.close();
      await server.close();
    },
  };
});

const REQUEST = {
  method: 'POST',
  path: '/chat/completions',
  headers: { 'content-type': 'application/json' },
  body: '{"é":1}',
} as const;

function call(transport: UpstreamTransport, baseUrl: string, connectTimeoutMs = 500, key = 'k-1') {
  const provider = testProvider('p', baseUrl, [key]);
  return new Promise<string>((resolve) => {
    let text = '';
    transport.send(provider, provider.credentials[0]!, REQUEST, connectTimeoutMs, {
      onHeaders: (status) => void (text = `${status} `),
      onData: (chunk) => {
        text += new TextDecoder().decode(chunk);
        return true;
      },
      onEnd: () => resolve(text),
      onError: (_error, phase) => resolve(`error ${phase}`),
    });
  });
}

describe('UndiciTransport', () => {
  const open: { close(): Promise<unknown> | void }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).toReversed()) await each.close();
  });
  const keep = <T extends { close(): Promise<unknown> | void }>(thing: T): T => {
    open.push(thing);
    return thing;
  };
  const tcp = async (onSocket: (socket: Socket) => void): Promise<string> => {
    const server = createTcpServer(onSocket);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    keep({ close: () => void server.close() });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('sends the base path, the credential, the body, and asks for no encoding', async () => {
    const server = keep(await startStepServer([{ do: 'headers', status: 200 }, { do: 'end' }]));
    const transport = keep(new UndiciTransport());

    await call(transport, server.baseUrl);

    const [seen] = server.seen;
    expect(seen).toMatchObject({ method: 'POST', url: '/base/v1/chat/completions', body: '{"é":1}' });
    expect(seen?.headers).toMatchObject({ authorization: 'Bearer k-1', 'accept-encoding': 'identity' });
  });

  it('sends no authorization without a key', async () => {
    const server = keep(await startStepServer([{ do: 'headers', status: 200 }, { do: 'end' }]));
    const transport = keep(new UndiciTransport());

    await call(transport, server.baseUrl, 500, '');

    expect(server.seen[0]?.headers.authorization).toBeUndefined();
  });

  it('tells a refused connection as phase connect', async () => {
    const transport = keep(new UndiciTransport());

    expect(await call(transport, 'http://127.0.0.1:1')).toBe('error connect');
  });

  it('tells an unknown host as phase connect', async () => {
    const transport = keep(new UndiciTransport());

    expect(await call(transport, 'http://nowhere.invalid')).toBe('error connect');
  });

  it('tells a TLS failure as phase connect', async () => {
    const base = await tcp((socket) => socket.on('error', () => {}).end('no tls here'));
    const transport = keep(new UndiciTransport());

    expect(await call(transport, base.replace('http:', 'https:'))).toBe('error connect');
  });

  it('gives up connecting after the connect timeout', async () => {
    const base = await tcp((socket) => void socket.on('error', () => {}));
    const transport = keep(new UndiciTransport());
    const startedMs = performance.now();

    // The TCP connection is made; the TLS handshake never comes.
    const how = await call(transport, base.replace('http:', 'https:'), 100);

    expect(how).toBe('error connect');
    expect(performance.now() - startedMs).toBeLessThan(1_500);
  });

  it('calls nothing back after an abort while it connects, and sends nothing', async () => {
    const sockets: Socket[] = [];
    const base = await tcp((socket) => void sockets.push(socket.on('error', () => {}).resume()));
    const transport = keep(new UndiciTransport());
    const log: string[] = [];
    const provider = testProvider('p', base.replace('http:', 'https:'));
    const handle = transport.send(provider, provider.credentials[0]!, REQUEST, 200, {
      onHeaders: () => void log.push('headers'),
      onData: () => true,
      onEnd: () => void log.push('end'),
      onError: () => void log.push('error'),
    });
    await sleep(20);

    handle.abort();

    await expect.poll(() => sockets.every((socket) => socket.destroyed), { timeout: 1_500 }).toBe(true);
    expect(log).toEqual([]);
  });

  it('tells what is no HTTP as phase headers', async () => {
    const base = await tcp((socket) => socket.on('error', () => {}).end('NOT HTTP AT ALL\r\n\r\n'));
    const transport = keep(new UndiciTransport());

    expect(await call(transport, base)).toBe('error headers');
  });

  it('tells a reset of a reused idle connection as phase headers', async () => {
    let requests = 0;
    const base = await tcp((socket) => {
      socket
        .on('error', () => {})
        .on('data', () => {
          requests += 1;
          if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
          else socket.resetAndDestroy();
        });
    });
    const transport = keep(new UndiciTransport());
    expect(await call(transport, base)).toBe('200 ok');

    expect(await call(transport, base)).toBe('error headers');
    expect(requests).toBe(2);
  });

  it('uses a connection again', async () => {
    let sockets = 0;
    const base = await tcp((socket) => {
      sockets += 1;
      socket.on('error', () => {}).on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    const transport = keep(new UndiciTransport());

    for (let i = 0; i < 5; i += 1) {
      await call(transport, base);
      await sleep(5);
    }

    expect(sockets).toBe(1);
  });

  it('never queues a call behind another', async () => {
    let held = 0;
    const base = await tcp((socket) => {
      socket.on('error', () => {}).on('data', () => void (held += 1));
    });
    const transport = keep(new UndiciTransport());

    for (let i = 0; i < 300; i += 1) void call(transport, base);
    await expect.poll(() => held, { timeout: 5_000 }).toBe(300);
  });

  it('refuses headers beyond 32 KiB and a call after its close', async () => {
    const big = `x-big: ${'a'.repeat(40_000)}`;
    const base = await tcp((socket) => socket.on('error', () => {}).end(`HTTP/1.1 200 OK\r\n${big}\r\n\r\n`));
    const transport = new UndiciTransport();

    expect(await call(transport, base)).toBe('error headers');
    await transport.close();
    expect(await call(transport, base)).toBe('error connect');
  });
});
