import { connect } from 'node:net';
import { AuthenticationError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProduct, uuidOf, type ChatAnswer, type Product } from '../../standalone/test/start-product.js';

const BODY_BYTES_MAX = 200_000;
let product: Product;

beforeAll(async () => {
  product = await startProduct({ env: { NEXTMODEL_BODY_BYTES_MAX: String(BODY_BYTES_MAX) } });
});
afterAll(() => product?.close());

const chatRaw = (raw: string): Promise<ChatAnswer> => product.request('POST', '/v1/chat/completions', { raw });

function expectError(answer: ChatAnswer, status: number, code: string | null): void {
  expect([answer.status, answer.error?.code]).toEqual([status, code]);
  expect(Object.keys(answer.error).toSorted()).toEqual(['code', 'message', 'param', 'type']);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(answer.error.message).not.toBe('');
}

describe('a request that is refused', () => {
  it.each([
    ['cut-off JSON', '{"model":', null, 'invalid_json'],
    ['no body', '', null, 'invalid_json'],
    ['a list', '[]', null, null],
    ['no messages', '{"model":"large"}', 'messages', null],
    ['messages that are text', '{"model":"large","messages":"x"}', 'messages', null],
    ['an empty list of messages', '{"model":"large","messages":[]}', 'messages', null],
    ['no model', '{"messages":[{"role":"user","content":"x"}]}', 'model', null],
    ['a message without a role', '{"model":"large","messages":[{"content":"x"}]}', 'messages[0].role', null],
    [
      'stream that is text',
      '{"model":"large","stream":"yes","messages":[{"role":"user","content":"x"}]}',
      'stream',
      null,
    ],
    [
      'temperature that is text',
      '{"model":"large","temperature":"hot","messages":[{"role":"user","content":"x"}]}',
      'temperature',
      null,
    ],
  ])('says what is wrong with %s, and leaves a receipt', async (_name, raw, param, code) => {
    const before = product.alpha.calls.length;

    const answer = await chatRaw(raw);

    expectError(answer, 400, code);
    expect(answer.error).toMatchObject({ param, type: 'invalid_request_error' });
    expect(product.alpha.calls).toHaveLength(before);
    const receipt = await product.request('GET', `/v1/receipts/${answer.receiptId}`);
    expect(receipt.body).toMatchObject({ status: 'client_error', http_status: 400, attempts: [], cost_usd: '0' });
  });

  it.each([
    ['x-nextmodel-timeout-ms', 'soon'],
    ['x-nextmodel-max-cost-usd', 'cheap'],
  ])('names the header %s when it cannot be read', async (name, value) => {
    const answer = await product.chat('large', 'a bad header', { headers: { [name]: value } });

    expectError(answer, 400, null);
    expect(answer.error.param).toBe(name);
    expect(product.alpha.seen('a bad header')).toBe(0);
  });

  it('keeps the cost limit of the caller before anything is sent', async () => {
    const tooDear = await product.chat('large', 'cost limit', {
      body: { max_tokens: 100 },
      headers: { 'x-nextmodel-max-cost-usd': '0.000001' },
    });
    const unpriced = await product.chat('a/unpriced', 'cost limit', {
      body: { max_tokens: 100 },
      headers: { 'x-nextmodel-max-cost-usd': '1' },
    });

    expectError(tooDear, 400, 'cost_limit_exceeded');
    expectError(unpriced, 400, 'cost_limit_exceeded');
    expect(product.alpha.seen('cost limit')).toBe(0);
  });

  it('is 404 for a model that nobody has, in JSON and in the SDK', async () => {
    const answer = await product.chat('no-such-model', 'x');

    expectError(answer, 404, 'model_not_found');
    expect(answer.error.param).toBe('model');
    await expect(
      product.client().chat.completions.create({ model: 'no-such-model', messages: [{ role: 'user', content: 'x' }] }),
    ).rejects.toThrow(NotFoundError);
    const row = await product.row(
      `SELECT status, http_status, error_code, attempts FROM receipts WHERE receipt_id = '${uuidOf(answer.receiptId)}'`,
    );
    expect(row).toEqual(['client_error', '404', 'model_not_found', '0']);
  });

  it.each([
    ['no key', ''],
    ['an unknown key', 'nm_nobody_0123456789abcdef'],
    ['a key with a wrong secret', 'nm_tests_wrong0123456789abcdef'],
    ['a key of another kind', 'sk-0123456789'],
    ['the admin token', 'admin-0123456789abcdef0123456789abcdef'],
  ])('is 401 for %s, on every route, with the same words', async (_name, key) => {
    const answers = await Promise.all([
      product.chat('large', 'unauthorised', { key }),
      product.request('POST', '/v1/embeddings', { key, body: { model: 'large', input: 'unauthorised' } }),
      product.request('GET', '/v1/models', { key }),
      product.request('GET', '/v1/receipts', { key }),
    ]);

    for (const answer of answers) expectError(answer, 401, 'invalid_api_key');
    expect(new Set(answers.slice(0, 2).map((answer) => answer.error.message)).size).toBe(1);
    expect(product.alpha.seen('unauthorised')).toBe(0);
    await expect(product.client('nm_nobody_1').models.list()).rejects.toThrow(AuthenticationError);
  });

  it('is 405 with what is allowed for another method on a route that takes POST', async () => {
    const answer = await product.request('GET', '/v1/chat/completions');

    expectError(answer, 405, 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('is 413 for a body beyond the limit, announced or not, with a receipt', async () => {
    const long = JSON.stringify({ model: 'large', messages: [{ role: 'user', content: 'x'.repeat(BODY_BYTES_MAX) }] });

    const announced = await chatRaw(long);
    const chunked = await fetch(`${product.baseUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer nm_tests_0123456789abcdef0123456789abcdef' },
      body: new Blob([long]).stream(),
      duplex: 'half',
    } as RequestInit);

    expectError(announced, 413, 'request_too_large');
    expect(announced.receiptId).toMatch(/^rcpt_/);
    expect(chunked.status).toBe(413);
  });

  it.each(['/v1/nowhere', '/nowhere', '/v1/chat', '/admin/v1/nowhere'])('is 404 in JSON for %s', async (path) => {
    expectError(await product.request('GET', path), 404, 'not_found');
    expectError(await product.request('POST', path), 404, 'not_found');
  });

  it('does not fall for a body that names the prototype', async () => {
    const answer = await chatRaw('{"__proto__":{"model":"large"},"messages":[{"role":"user","content":"x"}]}');

    expectError(answer, 400, null);
    expect(answer.error.param).toBe('model');
  });

  it('answers requests after a client has sent garbage', async () => {
    const answered = await new Promise<string>((resolve) => {
      const socket = connect(product.port, '127.0.0.1', () => socket.write('garbage\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
    });

    expect(answered).toMatch(/^HTTP\/1\.1 400/);
    expect((await product.chat('small', 'after the garbage')).status).toBe(200);
  });
});

describe('the admin API', () => {
  it.each([
    ['an unknown field', { name: 'x', limit: { requests_per_minute: 1 } }, /limit/],
    ['an unknown field of limits', { name: 'x', limits: { request_per_minute: 1 } }, /request_per_minute/],
    ['an id of the caller', { name: 'x', id: 'mine' }, /id/],
    ['no name', {}, /name/],
    ['a name that is no text', { name: 7 }, /name/],
    ['a limit of zero', { name: 'x', limits: { requests_per_minute: 0 } }, /requests_per_minute/],
    ['a budget that is no decimal', { name: 'x', budget: '1e9' }, /budget/],
    ['a negative budget', { name: 'x', budget: '-1' }, /budget/],
    ['a tenant with spaces', { name: 'x', tenant: 'a b' }, /tenant/],
    ['models that are text', { name: 'x', models: 'large' }, /models/],
  ])('refuses %s and makes no key', async (_name, body, says) => {
    const before = await product.admin('GET', '/keys');

    const answer = await product.admin('POST', '/keys', body);

    expectError(answer, 400, null);
    expect(answer.error.message).toMatch(says);
    expect((await product.admin('GET', '/keys')).body).toEqual(before.body);
  });

  it('refuses a body that is no JSON', async () => {
    const answer = await product.request('POST', '/admin/v1/keys', {
      key: 'admin-0123456789abcdef0123456789abcdef',
      raw: '{"name":',
    });

    expect(answer.status).toBe(400);
    expect(Object.keys(answer.error).toSorted()).toEqual(['code', 'message', 'param', 'type']);
  });

  it('opens to nothing but its token', async () => {
    for (const key of ['', 'nm_tests_0123456789abcdef0123456789abcdef', 'admin-0123']) {
      for (const [method, path] of [
        ['GET', '/admin/v1/keys'],
        ['POST', '/admin/v1/keys'],
        ['DELETE', '/admin/v1/keys/x'],
        ['POST', '/admin/v1/replay/cache'],
        ['GET', '/admin/v1/replay'],
      ] as const) {
        expectError(await product.request(method, path, { key, body: { name: 'x' } }), 401, 'invalid_api_key');
      }
    }
  });

  it('is 404 for a key and a view that do not exist', async () => {
    expectError(await product.admin('DELETE', '/keys/nobody'), 404, 'not_found');
    expectError(await product.admin('POST', '/replay/everything'), 404, 'not_found');
  });
});

describe('health', () => {
  it('says alive, ready and what was counted, without a key', async () => {
    await product.chat('small', 'count me');

    const [alive, ready, metrics] = await Promise.all(
      ['/healthz', '/readyz', '/metrics'].map((path) => product.request('GET', path, { key: '' })),
    );

    expect(alive?.status).toBe(200);
    expect(ready?.body).toMatchObject({ status: 'ready' });
    expect(metrics?.text).toMatch(/^nextmodel_\w+/m);
    expect(metrics?.text).not.toContain('count me');
  });
});
