import { RouterError } from '#events/domain/router-error.js';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAiCompatibleAdapter } from '../openai-compatible/openai-compatible-adapter.js';
import type { Provider } from '../../ports/provider-registry.js';
import { AxiosModelCatalogue } from './axios-model-catalogue.js';

const catalogue = new AxiosModelCatalogue();
let server: Server;
let base: string;
let reply: (request: IncomingMessage, response: ServerResponse) => void;
let seen: IncomingMessage[];

beforeEach(async () => {
  seen = [];
  server = createServer((request, response) => {
    seen.push(request);
    reply(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const provider = (): Provider => ({
  name: 'p',
  adapter: openAiCompatibleAdapter,
  baseUrl: `${base}/v1`,
  credentials: [{ id: 'p/1', apiKey: 'sk-secret-0123456789' }],
  models: [],
});
const json = (response: ServerResponse, status: number, body: unknown, headers: object = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

describe('AxiosModelCatalogue', () => {
  it('lists names in order, without duplicates, with the key of the provider', async () => {
    reply = (_request, response) =>
      json(response, 200, { object: 'list', data: [{ id: 'b' }, { id: 'a' }, { id: 'b' }, {}, null] });

    const models = await catalogue.fetchModels(provider());

    expect(models).toEqual(['a', 'b']);
    expect(seen[0]?.url).toBe('/v1/models');
    expect(seen[0]?.headers.authorization).toBe('Bearer sk-secret-0123456789');
  });

  it.each([
    [
      'a refusal',
      (response: ServerResponse) => json(response, 401, { error: 'sk-secret-0123456789' }),
      'upstream_unavailable',
    ],
    ['another shape', (response: ServerResponse) => json(response, 200, { models: {} }), 'upstream_bad_response'],
    ['no JSON', (response: ServerResponse) => response.end('<html>'), 'upstream_bad_response'],
    ['a cut', (response: ServerResponse) => response.destroy(), 'upstream_unavailable'],
  ])('rejects %s without a word of the key', async (_what, answer, code) => {
    reply = (_request, response) => answer(response);

    const error: unknown = await catalogue.fetchModels(provider()).catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(RouterError);
    expect(error).toMatchObject({ code });
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('sk-secret');
    expect((error as Error).cause).toBeUndefined();
  });

  it('does not carry the key to where a redirect points', async () => {
    reply = (_request, response) => json(response, 302, {}, { location: `${base}/elsewhere` });

    await expect(catalogue.fetchModels(provider())).rejects.toMatchObject({ code: 'upstream_unavailable' });
    expect(seen).toHaveLength(1);
  });

  it('finds an Ollama and its models', async () => {
    reply = (_request, response) => json(response, 200, { models: [{ name: 'llama3.2:1b' }] });

    expect(await catalogue.detectOllama(base)).toEqual({ baseUrl: `${base}/v1`, models: ['llama3.2:1b'] });
  });

  it('finds none where nothing answers like one, and does not wait', async () => {
    reply = (_request, response) => json(response, 200, { hello: 1 });
    const other = await catalogue.detectOllama(base);
    reply = () => undefined;
    const started = performance.now();
    const silent = await catalogue.detectOllama(base, 100);
    const elapsedMs = performance.now() - started;
    const refused = await catalogue.detectOllama('http://127.0.0.1:9');

    expect([other, silent, refused]).toEqual([null, null, null]);
    expect(elapsedMs).toBeLessThan(1000);
  });
});
