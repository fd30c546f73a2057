import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { EmbeddingEnd } from '../../ports/embedder.js';
import { RemoteEmbedder } from './remote-embedder.js';

let server: Server | null = null;
async function listening(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const opened = createServer(answer);
  server = opened;
  await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(opened.address() as AddressInfo).port}/v1`;
}
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});
const json =
  (value: unknown, status = 200) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
const embedderAt = (baseUrl: string): RemoteEmbedder =>
  new RemoteEmbedder({ id: 'remote:m', baseUrl, apiKey: 'secret-key', model: 'm', dimensions: 2, timeoutMs: 300 });

describe('the remote embedder', () => {
  it('asks an OpenAI-compatible endpoint and gives a unit vector', async () => {
    let seen: IncomingMessage | null = null;
    const url = await listening((request, response) => {
      seen = request;
      json({ data: [{ embedding: [3, 4] }] })(request, response);
    });

    const vector = await embedderAt(url).embed('hello');

    expect([...(vector ?? [])].map((x) => x.toFixed(3))).toEqual(['0.600', '0.800']);
    expect(seen).toMatchObject({ url: '/v1/embeddings', headers: { authorization: 'Bearer secret-key' } });
  });

  it.each<[string, unknown, number]>([
    ['a limit', { error: {} }, 429],
    ['another length', { data: [{ embedding: [1, 2, 3] }] }, 200],
    ['no numbers', { data: [{ embedding: ['x', null] }] }, 200],
    ['an empty object', {}, 200],
  ])('fails without text and key on %s', async (_, body, status) => {
    const url = await listening(json(body, status));

    const failed = await embedderAt(url)
      .embed('my prompt')
      .catch((error: unknown) => error);

    expect(failed).toMatchObject({ code: 'upstream_unavailable' });
    expect(JSON.stringify(failed) + String((failed as Error).stack)).not.toMatch(/my prompt|secret-key/);
  });

  it('gives up in time', async () => {
    const url = await listening(() => {});

    const started = performance.now();
    await expect(embedderAt(url).embed('x')).rejects.toMatchObject({ code: 'upstream_unavailable' });

    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('tells how each call ended, after waiting until it may begin', async () => {
    const ends: unknown[] = [];
    let written = false;
    const watch = {
      started: async () => {
        await Promise.resolve();
        written = true;
      },
      finished: (end: EmbeddingEnd) => void ends.push([end.outcome, end.httpStatus, end.usage, written]),
    };
    const good = await listening(json({ data: [{ embedding: [1, 0] }], usage: { prompt_tokens: 3 } }));
    await embedderAt(good).embed('x', watch);
    server?.close();
    const limited = await listening(json({ error: {} }, 429));
    await embedderAt(limited)
      .embed('x', watch)
      .catch(() => undefined);
    await embedderAt('http://127.0.0.1:1/v1')
      .embed('x', watch)
      .catch(() => undefined);

    expect(ends).toEqual([
      ['ok', 200, { prompt_tokens: 3 }, true],
      ['refused', 429, null, true],
      ['unreached', 0, null, true],
    ]);
  });

  it('sends nothing when the call may not begin', async () => {
    let calls = 0;
    const url = await listening((request, response) => {
      calls += 1;
      json({})(request, response);
    });
    const watch = { started: () => Promise.reject(new Error('log full')), finished: () => undefined };

    await expect(embedderAt(url).embed('x', watch)).rejects.toThrow('log full');

    expect(calls).toBe(0);
  });
});
