import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
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
  new RemoteEmbedder({ baseUrl, apiKey: 'secret-key', model: 'm', dimensions: 2, timeoutMs: 300 });

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
});
