import { setTimeout as sleep } from 'node:timers/promises';
import { OpenAI, PermissionDeniedError, RateLimitError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, KEY, startProduct, uuidOf, type Product } from '../../standalone/test/start-product.js';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.close());

const listed = async (): Promise<Record<string, unknown>[]> =>
  (await product.admin('GET', '/keys')).body['data'] as Record<string, unknown>[];

describe('a virtual key', () => {
  it('is made, shown once, listed without its secret, and used', async () => {
    const made = await product.admin('POST', '/keys', {
      name: 'team a',
      tenant: 'acme',
      project: 'chat',
      models: ['small'],
      limits: { requests_per_minute: 600 },
      budget: '5.00',
    });

    expect(made.status).toBe(201);
    const { id, key } = made.body as { id: string; key: string };
    expect(key).toMatch(new RegExp(`^nm_${id}_`));
    expect(await listed()).toContainEqual(
      expect.objectContaining({
        id,
        name: 'team a',
        tenant: 'acme',
        project: 'chat',
        models: ['small'],
        limits: { requests_per_minute: 600, tokens_per_minute: null, concurrent: null },
        budget: '5.00',
        revoked_at: null,
      }),
    );
    expect(JSON.stringify(await listed())).not.toContain(key.slice(`nm_${id}_`.length));
    expect((await product.chat('small', 'first use', { key })).status).toBe(200);
  });

  it('is refused within a second after it was revoked, and stays in the list', async () => {
    const { id, key } = await product.newKey({ name: 'short-lived' });
    expect((await product.chat('small', 'before', { key })).status).toBe(200);

    const revoked = await product.admin('DELETE', `/keys/${id}`);
    await sleep(1_000);
    const after = await product.chat('small', 'after', { key });

    expect([revoked.status, after.status, after.error.code]).toEqual([200, 401, 'invalid_api_key']);
    expect((await product.admin('DELETE', `/keys/${id}`)).status).toBe(200);
    const entry = (await listed()).find((each) => each['id'] === id);
    expect(entry?.['revoked_at']).toMatch(/^\d{4}-/);
  });

  it('may call only its models: others are 403, and absent from its list', async () => {
    const { key } = await product.newKey({ name: 'small only', models: ['small', 'a/allowed-*'] });

    const allowed = await product.chat('a/allowed-7', 'allowed', { key });
    const refused = await product.chat('large', 'not allowed', { key });

    expect(allowed.status).toBe(200);
    expect([refused.status, refused.error.code, refused.error.type]).toEqual([
      403,
      'model_not_allowed',
      'permission_error',
    ]);
    expect(product.alpha.seen('not allowed')).toBe(0);
    await expect(
      product.client(key).chat.completions.create({ model: 'large', messages: [{ role: 'user', content: 'x' }] }),
    ).rejects.toThrow(PermissionDeniedError);
    const ids = (await product.client(key).models.list()).data.map((model) => model.id);
    expect(ids).toContain('small');
    expect(ids).not.toContain('large');
    const receipt = await product.row(
      `SELECT status, http_status FROM receipts WHERE receipt_id = '${uuidOf(refused.receiptId)}'`,
    );
    expect(receipt).toEqual(['rejected', '403']);
  });

  it('does not reach a forbidden model through rules, fallbacks or the wildcard', async () => {
    const { key } = await product.newKey({ name: 'small only', models: ['small'] });

    const answers = await Promise.all([
      product.chat('small', 'way round', { key, headers: { 'x-nextmodel-task': 'code' } }),
      product.chat('small', 'way round', { key, body: { models: ['large'], fallbacks: ['large'] } }),
      product.chat('alpha/alpha-large', 'way round', { key }),
      product.request('POST', '/v1/embeddings', { key, body: { model: 'large', input: 'way round' } }),
    ]);

    expect(answers.slice(2).map((answer) => answer.status)).toEqual([403, 403]);
    expect(product.alpha.seen('way round')).toBe(0);
  });
});

describe('a limit of requests', () => {
  it('shows what is left, then refuses with the time to wait, and leaves other keys alone', async () => {
    const { key } = await product.newKey({ name: 'three a minute', limits: { requests_per_minute: 3 } });

    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await product.chat('small', `limited ${n}`, { key }));

    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 429]);
    expect(answers.slice(0, 3).map((answer) => answer.headers.get('x-ratelimit-remaining-requests'))).toEqual([
      '2',
      '1',
      '0',
    ]);
    expect(answers[0]?.headers.get('x-ratelimit-limit-requests')).toBe('3');
    expect(answers[0]?.headers.get('x-ratelimit-reset-requests')).toMatch(/^\d/);
    const refused = answers[3];
    expect(refused?.error).toMatchObject({ code: 'rate_limit_exceeded', type: 'rate_limit_error' });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused?.headers.get('retry-after-ms'))).toBeGreaterThan(0);
    expect(refused?.receiptId).toMatch(/^rcpt_/);
    expect(product.beta.seen('limited 3')).toBe(0);
    expect((await product.chat('small', 'limited others')).status).toBe(200);
  });

  it('shows what is left on streams too', async () => {
    const { key } = await product.newKey({ name: 'streams', limits: { requests_per_minute: 5 } });

    const { answer } = await product.stream('small', 'limited stream', { key });

    expect(answer.headers.get('x-ratelimit-remaining-requests')).toBe('4');
  });

  it('counts what is under way: the second at once is refused, and admitted when the first is done', async () => {
    const { key } = await product.newKey({ name: 'one at a time', limits: { concurrent: 1 } });

    const first = product.chat('a/slow', 'concurrent 1', { key });
    await eventually(() => product.alpha.seen('concurrent 1') === 1);
    const second = await product.chat('a/slow', 'concurrent 2', { key });
    expect((await first).status).toBe(200);
    const third = await product.chat('a/slow', 'concurrent 3', { key });

    expect([second.status, second.error.code]).toEqual([429, 'rate_limit_exceeded']);
    expect(third.status).toBe(200);
  });
});

describe('a budget', () => {
  it('is exhausted by what was spent: 429 insufficient_quota that no SDK retries', async () => {
    const { key } = await product.newKey({ name: 'poor', budget: '0.004' });

    const answers = [];
    for (let n = 0; n < 3; n += 1) answers.push(await product.chat('large', `poor ${n}`, { key }));

    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 429]);
    const refused = answers[2];
    expect(refused?.error).toMatchObject({ code: 'insufficient_quota', type: 'insufficient_quota' });
    expect(refused?.headers.get('x-should-retry')).toBe('false');
    expect(product.alpha.seen('poor 2')).toBe(0);
    const patient = new OpenAI({ baseURL: `${product.baseUrl}/v1`, apiKey: key, maxRetries: 3 });
    const began = performance.now();
    await expect(
      patient.chat.completions.create({ model: 'large', messages: [{ role: 'user', content: 'poor again' }] }),
    ).rejects.toThrow(RateLimitError);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('is still exhausted after a restart, and revoked keys are still revoked', async () => {
    const poor = await product.newKey({ name: 'poor later', budget: '0.001' });
    const gone = await product.newKey({ name: 'gone later' });
    expect((await product.chat('large', 'spend it', { key: poor.key })).status).toBe(200);
    await product.admin('DELETE', `/keys/${gone.id}`);
    const before = await listed();

    await product.stop();
    await product.start();

    expect(await listed()).toEqual(before);
    expect((await product.chat('large', 'spend more', { key: poor.key })).error.code).toBe('insufficient_quota');
    expect((await product.chat('small', 'still here', { key: gone.key })).status).toBe(401);
    expect((await product.chat('small', 'first key', { key: KEY })).status).toBe(200);
  });
});
