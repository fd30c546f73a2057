import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointWebhook } from './checkpoint-webhook.js';
import { isPrivateAddress } from './public-lookup.js';

const NOTE = 'log/receipts/0\n3\nroot\n\n— log/receipts/0 c2ln\n';
const never = new AbortController().signal;

describe('a checkpoint webhook', () => {
  const seen: { readonly path: string; readonly type: string; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      seen.push({ path, type: request.headers['content-type'] ?? '', body });
      if (path === '/silent') return;
      if (path === '/moved') response.writeHead(307, { location: '/taken' });
      else response.writeHead(path === '/taken' ? 204 : 500);
      response.end();
    });
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const post = (path: string, allowPrivate = true, host = base): Promise<void> =>
    new CheckpointWebhook({ url: `http://${host}${path}`, allowPrivate, timeoutMs: 300 }).post(NOTE, never);

  it('brings the note as it is', async () => {
    await post('/taken');

    expect(seen.at(-1)).toEqual({ path: '/taken', type: 'text/plain; charset=utf-8', body: NOTE });
  });

  it('follows no redirect, waits for no answer for ever, and names no path in its errors', async () => {
    const before = seen.length;

    await expect(post('/moved')).rejects.toThrow('answered 307');
    await expect(post('/silent')).rejects.toThrow(/^(ECONNABORTED|ERR_CANCELED|ETIMEDOUT)$/);
    await expect(post('/broken?token=secret')).rejects.toThrow(/^answered 500$/);

    expect(seen.slice(before).map(({ path }) => path)).not.toContain('/taken');
  });

  it('goes to no private address unless it may, by number or by name', async () => {
    const before = seen.length;

    await expect(post('/taken', false)).rejects.toThrow('private');
    await expect(post('/taken', false, base.replace('127.0.0.1', 'localhost'))).rejects.toThrow();

    expect(seen).toHaveLength(before);
  });

  it('knows private addresses in all their spellings', () => {
    const own = ['127.9.9.9', '10.1.1.1', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'];
    const six = ['::1', '::', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1', '::ffff:7f00:1', '64:ff9b::a00:1'];

    expect([...own, ...six].filter((address) => !isPrivateAddress(address))).toEqual([]);
    expect(['1.1.1.1', '172.32.0.1', '2606:4700::1', '::ffff:8.8.8.8'].filter(isPrivateAddress)).toEqual([]);
  });
});
