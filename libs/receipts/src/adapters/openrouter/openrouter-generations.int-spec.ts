import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { OpenRouterGenerations } from './openrouter-generations.js';

/** As the API reference shows it. */
const GENERATION = {
  id: 'gen-3bhGkxlo4XFrqiabUM7NDtwDzWwG',
  total_cost: 0.0015,
  cache_discount: 0.0002,
  upstream_inference_cost: 0.0012,
  model: 'sao10k/l3-stheno-8b',
  streamed: true,
  cancelled: false,
  tokens_prompt: 12,
  tokens_completion: 26,
  native_tokens_prompt: 10,
  native_tokens_completion: 25,
  native_tokens_reasoning: 5,
  native_tokens_cached: 3,
  is_byok: false,
};

let server: Server;
const requests: IncomingMessage[] = [];

async function booksThatAnswer(...answers: readonly [number, unknown][]): Promise<OpenRouterGenerations> {
  requests.length = 0;
  server = createServer((request, response) => {
    const [status, body] = answers[Math.min(requests.length, answers.length - 1)] ?? [500, ''];
    requests.push(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return new OpenRouterGenerations({ baseUrl: `http://127.0.0.1:${port}/api/v1`, apiKey: 'sk-or-secret', retryMs: 1 });
}

afterEach(() => new Promise((resolve) => server.close(resolve)));

describe('OpenRouter’s generation endpoint', () => {
  it('tells native tokens and the exact cost of a call', async () => {
    const books = await booksThatAnswer([200, { data: GENERATION }]);

    const generation = await books.find(GENERATION.id);

    expect(generation).toEqual({
      id: GENERATION.id,
      cost: 1_500_000_000n,
      promptTokens: 10,
      completionTokens: 25,
      cachedTokens: 3,
      cancelled: false,
    });
    expect(requests[0]?.url).toBe(`/api/v1/generation?id=${GENERATION.id}`);
    expect(requests[0]?.headers.authorization).toBe('Bearer sk-or-secret');
  });

  it('adds what the provider behind it charges to a key of one’s own', async () => {
    const books = await booksThatAnswer([200, { data: { ...GENERATION, total_cost: 5e-8, is_byok: true } }]);

    expect((await books.find(GENERATION.id))?.cost).toBe(1_200_050_000n);
  });

  it('does not know a call that is not in the books', async () => {
    const books = await booksThatAnswer([404, { error: { code: 404, message: 'Generation not found' } }]);

    expect(await books.find('gen-x')).toBeNull();
  });

  it('asks again when the books are busy, and gives up after three tries without the key in the error', async () => {
    const busy = await booksThatAnswer([429, {}], [503, {}], [200, { data: GENERATION }]);
    const found = await busy.find('gen-x');
    await new Promise((resolve) => server.close(resolve));
    const down = await booksThatAnswer([500, {}]);

    const error: unknown = await down.find('gen-x').catch((thrown: unknown) => thrown);

    expect(found?.cost).toBe(1_500_000_000n);
    expect(error).toMatchObject({ code: 'upstream_unavailable' });
    expect(requests).toHaveLength(3);
    expect(JSON.stringify(error) + String(error)).not.toContain('sk-or-secret');
  });

  it('refuses an answer without a cost instead of taking it for nothing', async () => {
    const books = await booksThatAnswer([200, { data: { ...GENERATION, total_cost: null } }]);

    await expect(books.find('gen-x')).rejects.toMatchObject({ code: 'upstream_bad_response' });
  });
});
