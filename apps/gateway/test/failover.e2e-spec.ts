import { OpenAI, APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProduct, uuidOf, type ChatAnswer, type Product } from '../../standalone/test/start-product.js';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.close());

const attemptsOf = async (answer: ChatAnswer): Promise<readonly Record<string, unknown>[]> => {
  const receipt = await product.request('GET', `/v1/receipts/${answer.receiptId}`);
  return receipt.body['attempts'] as Record<string, unknown>[];
};
const textOf = (frames: readonly string[]): string =>
  frames
    .filter((frame) => frame !== '[DONE]')
    .map(
      (frame) =>
        (JSON.parse(frame) as { choices?: { delta: { content?: string } }[] }).choices?.[0]?.delta.content ?? '',
    )
    .join('');

describe('before the first content another target is tried', () => {
  it.each([
    ['nobody listens', 'dead-first', { status: 'error', http_status: 0 }],
    ['no status line comes in time', 'hang-first', { status: 'timeout', http_status: 0 }],
    ['the connection breaks', 'early-cut-first', { status: 'error' }],
  ])('when %s', async (name, model, first) => {
    const answer = await product.chat(model, `failover because ${name}`);

    expect([answer.status, answer.content]).toEqual([200, `beta on: failover because ${name}`]);
    expect([answer.x('provider'), answer.x('attempts')]).toEqual(['beta', '2']);
    expect(await attemptsOf(answer)).toMatchObject([first, { provider: 'beta', kind: 'fallback', status: 'ok' }]);
  });

  it.each([
    ['nobody listens', 'dead-first', 'error'],
    ['no status line comes in time', 'hang-first', 'timeout'],
    ['no content comes in time', 'stall-first', 'timeout'],
    ['it is cut before the first content', 'early-cut-first', 'error'],
  ])('on a stream when %s', async (name, model, status) => {
    const { answer, frames } = await product.stream(model, `stream because ${name}`);

    expect(answer.status).toBe(200);
    expect(textOf(frames)).toBe(`beta on: stream because ${name}`);
    expect(frames.at(-1)).toBe('[DONE]');
    expect([answer.x('provider'), answer.x('attempts')]).toEqual(['beta', '2']);
    expect(await attemptsOf(answer)).toMatchObject([{ status }, { provider: 'beta', status: 'ok' }]);
  });

  it('with a whole timeout of the caller that leaves time for one attempt only', async () => {
    const began = performance.now();

    const answer = await product.chat('a/hang', 'be quick', { headers: { 'x-nextmodel-timeout-ms': '200' } });

    expect([answer.status, answer.error.code]).toEqual([504, 'upstream_timeout']);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('what is not retried', () => {
  it('is a body that the provider rejects: the same body fails everywhere', async () => {
    const answer = await product.chat('bad-request-first', 'rejected body');

    expect([answer.status, answer.error.code, answer.error.type]).toEqual([
      422,
      'upstream_rejected',
      'invalid_request_error',
    ]);
    expect(product.alpha.seen('rejected body') + product.beta.seen('rejected body')).toBe(1);
  });

  it('is anything beyond max_attempts, whatever the SDK does', async () => {
    const client = new OpenAI({
      baseURL: `${product.baseUrl}/v1`,
      apiKey: 'nm_tests_0123456789abcdef0123456789abcdef',
      maxRetries: 2,
    });

    const failure = client.chat.completions.create({
      model: 'all-fail',
      messages: [{ role: 'user', content: 'all of them' }],
    });

    await expect(failure).rejects.toThrow(APIError);
    expect(product.alpha.seen('all of them') + product.beta.seen('all of them')).toBe(3);
  });

  it('is a refused credential of ours: the client does not see a 401 and not the reason', async () => {
    const answer = await product.chat('refused/fail-401', 'whose key');

    expect([answer.status, answer.error.code]).toEqual([502, 'upstream_auth_failed']);
    expect(answer.text).not.toMatch(/refused-secret|127\.0\.0\.1/);
  });
});

describe('a failure that reaches the client', () => {
  it('carries the wait that the provider asked for', async () => {
    const answer = await product.chat('limited/fail-429', 'slow down');

    expect([answer.status, answer.error.code]).toEqual([429, 'upstream_rate_limited']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(answer.headers.get('retry-after-ms'))).toBeGreaterThan(0);
    expect(answer.receiptId).toMatch(/^rcpt_/);
  });

  it.each([
    ['fail-500', 502, 'upstream_error'],
    ['fail-503', 503, 'upstream_unavailable'],
    ['cut', 502, 'upstream_bad_response'],
    ['fail-302', 502, 'upstream_bad_response'],
  ])('is told for %s', async (model, status, code) => {
    const answer = await product.chat(`a/${model}`, `told for ${model}`);

    expect([answer.status, answer.error.code]).toEqual([status, code]);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    const row = await product.row(
      `SELECT status, http_status, error_code FROM receipts WHERE receipt_id = '${uuidOf(answer.receiptId)}'`,
    );
    expect(row).toEqual(['provider_error', String(status), code]);
  });

  it('is an ordinary error on a stream that has not begun', async () => {
    const { answer } = await product.stream('a/fail-503', 'stream that never begins');

    expect([answer.status, answer.error.code]).toEqual([503, 'upstream_unavailable']);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });
});

describe('a stream that breaks off after content', () => {
  it('ends in one error frame without [DONE], is not tried elsewhere, and is truncated on its receipt', async () => {
    const { answer, frames } = await product.stream('late-cut-first', 'cut after content');

    expect(answer.status).toBe(200);
    expect(textOf(frames.slice(0, -1))).toMatch(/^alpha on: cut/);
    expect(frames).not.toContain('[DONE]');
    const errors = frames
      .map((frame) => JSON.parse(frame) as { error?: { code: string } })
      .filter((frame) => frame.error);
    expect(errors).toHaveLength(1);
    expect(JSON.parse(frames.at(-1) ?? '')).toMatchObject({
      error: { code: 'upstream_truncated', type: 'server_error' },
    });
    expect(product.beta.seen('cut after content')).toBe(0);
    expect(product.alpha.seen('cut after content')).toBe(1);
    const row = await product.row(
      `SELECT status, http_status, stream_complete, error_code, usage_source FROM receipts WHERE receipt_id = '${uuidOf(answer.receiptId)}'`,
    );
    expect(row).toEqual(['truncated', '200', 'false', 'upstream_truncated', 'estimated']);
  });

  it('throws in the SDK after the content that came', async () => {
    const stream = await product.client().chat.completions.create({
      model: 'late-cut-first',
      stream: true,
      messages: [{ role: 'user', content: 'cut in the client' }],
    });

    let text = '';
    const reading = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    })();

    await expect(reading).rejects.toThrow(APIError);
    expect(text).toMatch(/^alpha on: cut/);
  });

  it('is never served from the cache afterwards', async () => {
    const asked = { body: { temperature: 0 } };
    await product.stream('a/cut', 'cut and asked again', asked);

    const again = await product.stream('a/cut', 'cut and asked again', asked);

    expect(again.answer.x('cache')).toBe('MISS');
    expect(product.alpha.seen('cut and asked again')).toBe(2);
  });
});
