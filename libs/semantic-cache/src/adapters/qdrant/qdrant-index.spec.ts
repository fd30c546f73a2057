import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachePoint, near, unitVector, vectorIndexContract } from '../../ports/vector-index.contract.js';
import { QdrantIndex, type QdrantIndexOptions } from './qdrant-index.js';
import { aliasOf, CANARY, collectionBehind, createGeneration, nextGeneration, pointAlias } from './qdrant-schema.js';
import { FakeQdrant } from './test/fake-qdrant.js';

const NOW = 1_790_000_000_000;
const open = (url: string, change: Partial<QdrantIndexOptions> = {}): QdrantIndex =>
  new QdrantIndex({ url, apiKey: null, embedderId: 'e', dimensions: 256, lookUpTimeoutMs: 2_000, ...change });

const fakes: FakeQdrant[] = [];
const listening = async (): Promise<{ fake: FakeQdrant; url: string }> => {
  const fake = new FakeQdrant();
  fakes.push(fake);
  return { fake, url: await fake.listen() };
};
afterEach(() => {
  for (const fake of fakes.splice(0)) fake.close();
});

vectorIndexContract('Qdrant, an HTTP double that follows recorded exchanges', async () =>
  open((await listening()).url),
);

describe('the Qdrant index', () => {
  let fake: FakeQdrant;
  let url: string;
  beforeEach(async () => {
    ({ fake, url } = await listening());
  });

  it('makes one collection behind an alias, with graphs and with an index for every filter', async () => {
    const index = open(url);
    await index.upsert([cachePoint(1)]);

    const alias = aliasOf('e');
    expect([...fake.aliases]).toEqual([[alias, `${alias}-g000001`]]);
    const collection = fake.collections.get(`${alias}-g000001`);
    expect(collection?.config).toMatchObject({ hnsw_config: { m: 16, payload_m: 16 } });
    expect(collection?.strict).toBe(true);
    expect(collection?.indexes.get('scope')).toEqual({ type: 'keyword', is_tenant: true });
    expect(collection?.indexes.get('expires_at')).toMatchObject({ type: 'integer', range: true, enable_hnsw: false });
    await index.close();
  });

  it('can be opened by many at once', async () => {
    const indexes = Array.from({ length: 6 }, () => open(url));

    await Promise.all(indexes.map((index, n) => index.upsert([cachePoint(n)])));

    expect(fake.collections.size).toBe(1);
    expect(await indexes[0]?.count()).toBe(6);
    await Promise.all(indexes.map((index) => index.close()));
  });

  it('refuses a collection with other settings and says what to do', async () => {
    const index = open(url, { dimensions: 256 });
    await index.ensureReady();
    const other = open(url, { dimensions: 384 });

    await expect(other.ensureReady()).rejects.toMatchObject({ code: 'configuration' });
    await Promise.all([index.close(), other.close()]);
  });

  it('switches generations with one action and leaves the alias alone when the target is missing', async () => {
    const index = open(url);
    await index.ensureReady();
    const alias = aliasOf('e');
    const next = await nextGeneration(index.client, alias);
    await createGeneration(index.client, next, 256);

    await expect(pointAlias(index.client, alias, 'missing')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await collectionBehind(index.client, alias)).toBe(`${alias}-g000001`);
    await pointAlias(index.client, alias, next);

    expect(await collectionBehind(index.client, alias)).toBe(`${alias}-g000002`);
    await index.close();
  });

  it('sends a key with every call and takes a path in the address', async () => {
    fake.override = (path) => (path.startsWith('/qdrant') ? { status: 200, body: '{"result":[]}' } : null);
    const index = open(url, { apiKey: 'top-secret' });
    await index.upsert([cachePoint(1)]);
    const behind = open(`${url}/qdrant/`);
    await behind.get(cachePoint(1).id, NOW);

    expect(
      fake.requests.filter(({ path }) => !path.startsWith('/qdrant')).every(({ apiKey }) => apiKey === 'top-secret'),
    ).toBe(true);
    expect(fake.requests.at(-1)?.path).toBe(`/qdrant/collections/${aliasOf('e')}/points`);
    await Promise.all([index.close(), behind.close()]);
  });

  it('re-checks scope and expiry of what the server gives', async () => {
    const index = open(url);
    await index.upsert([cachePoint(1)]);
    const [foreign, expired, broken] = [{ scope: 'other' }, { expires_at: 1 }, { sealed: 7 }].map((change) => ({
      id: cachePoint(1).id,
      score: 1,
      payload: { ...payload, ...change },
    }));

    fake.override = () => ({
      status: 200,
      body: JSON.stringify({ result: { points: [foreign, expired, broken, { id: 'x' }, null] } }),
    });
    expect(await index.nearest('scope-a', unitVector(1), 5, NOW)).toEqual([]);
    fake.override = () => ({ status: 200, body: JSON.stringify({ result: [{ ...foreign, id: cachePoint(2).id }] }) });
    expect(await index.get(cachePoint(1).id, NOW)).toBeNull();
    await index.close();
  });

  it('keeps entries whose vector has another length for exact look-ups only', async () => {
    const index = open(url);
    await index.upsert([cachePoint(1, { vector: new Float32Array(384).fill(0.05) })]);

    expect(await index.get(cachePoint(1).id, NOW)).toMatchObject({ scope: 'scope-a', receiptId: 'receipt-1' });
    expect(await index.nearest('scope-a', near(1, 2, 0.1), 5, NOW)).toEqual([]);
    await index.remove({ scope: 'scope-a' });
    expect(await index.count()).toBe(0);
    await index.close();
  });

  it('splits large writes', async () => {
    const index = open(url);
    const sealed = 'x'.repeat(200_000);

    await index.upsert(Array.from({ length: 100 }, (_, n) => cachePoint(n, { sealed, vector: null })));

    expect(
      fake.requests.filter(({ method, path }) => method === 'PUT' && path.endsWith('/points')).length,
    ).toBeGreaterThan(2);
    expect(await index.count()).toBe(100);
    await index.close();
  });

  it('does not answer a ping when a known vector does not come back', async () => {
    const index = open(url);
    await expect(index.ping()).resolves.toBeUndefined();

    fake.collections.get(`${aliasOf('e')}-g000001`)?.points.delete(CANARY.id);

    await expect(index.ping()).rejects.toMatchObject({ code: 'store_unavailable' });
    await index.close();
  });
});

const payload = {
  scope: 'scope-a',
  tenant: 'tenant-a',
  epoch: 1,
  stored_at: NOW,
  expires_at: NOW + 1,
  receipt: 'r',
  sealed: 's',
  key_id: 'k',
};

describe('the Qdrant index in trouble', () => {
  const recorded = readFileSync(new URL('__fixtures__/recorded-exchanges.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as {
          name: string;
          response: { status: number; retryAfter?: string; body?: { json?: unknown; text?: string } };
        },
    );

  it.each([
    'auth-no-key-query',
    'auth-readonly-write',
    'unknown-route',
    'strict-client-429',
    'query-missing-collection',
  ])('turns the recorded answer %s into an error without key and text', async (name) => {
    const { fake, url } = await listening();
    const index = open(url, { apiKey: 'top-secret' });
    await index.ensureReady();
    const response = recorded.find((exchange) => exchange.name === name)?.response;
    const body = response?.body?.text ?? (response?.body === undefined ? '' : JSON.stringify(response.body.json));
    fake.override = () => ({
      status: response?.status ?? 0,
      body,
      headers: { 'retry-after': response?.retryAfter ?? '0' },
    });

    const calls = [
      () => index.nearest('scope-a', unitVector(1), 1, NOW),
      () => index.get(cachePoint(1).id, NOW),
      () => index.upsert([cachePoint(1)]),
      () => index.remove({ tenantId: 'tenant-a' }),
    ];
    for (const call of calls) {
      const failed: unknown = await call().catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: 'store_unavailable', retryable: true });
      expect(String((failed as Error).stack) + JSON.stringify(failed)).not.toContain('top-secret');
    }
    await index.close();
  });

  it('gives up a look-up at its deadline', async () => {
    const { fake, url } = await listening();
    const index = open(url, { lookUpTimeoutMs: 30 });
    await index.ensureReady();
    fake.override = () => 'hang';

    const started = performance.now();
    await expect(index.get(cachePoint(1).id, NOW)).rejects.toMatchObject({ code: 'store_unavailable' });

    expect(performance.now() - started).toBeLessThan(1_000);
    await index.close();
  });

  it('can be made while nobody listens, and works when the server is there', async () => {
    const { fake, url } = await listening();
    fake.close();
    const index = open(url);

    await expect(index.get(cachePoint(1).id, NOW)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(index.ping()).rejects.toMatchObject({ code: 'store_unavailable' });
    await index.close();
  });
});
