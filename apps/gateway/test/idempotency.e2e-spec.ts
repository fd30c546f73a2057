import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startProduct, type ChatAnswer, type Product } from '../../standalone/test/start-product.js';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.close());

interface Asked {
  readonly model?: string;
  readonly key?: string;
  readonly body?: Record<string, unknown>;
}
/** The cache stays out of it. */
const ask = (name: string, text: string, { model = 'large', key, body }: Asked = {}): Promise<ChatAnswer> =>
  product.chat(model, text, {
    headers: { 'idempotency-key': name, 'x-nextmodel-cache': 'no-cache, no-store' },
    ...(key === undefined ? {} : { key }),
    ...(body === undefined ? {} : { body }),
  });
const calls = (text: string): number => product.alpha.calls.filter((call) => call.text === text).length;
const receiptOf = (id: string): Promise<Record<string, unknown>> =>
  eventually(async () => {
    const answer = await product.request('GET', `/v1/receipts/${id}`);
    return answer.status === 200 && answer.body;
  });

const embed = (): Promise<ChatAnswer> =>
  product.request('POST', '/v1/embeddings', {
    headers: { 'idempotency-key': 'embed' },
    body: { model: 'a/embed', input: 'once embedded' },
  });

describe('Idempotency-Key', () => {
  it('answers the same request again with the same bytes, for nothing, on a receipt of its own', async () => {
    const first = await ask('json', 'once only');
    const again = await ask('json', 'once only');

    expect([again.status, again.text]).toEqual([200, first.text]);
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect([again.x('cost-usd'), again.x('attempts'), again.x('model')]).toEqual(['0', '0', 'alpha-large']);
    expect(calls('once only')).toBe(1);
    expect(again.receiptId).not.toBe(first.receiptId);
    expect(await receiptOf(again.receiptId)).toMatchObject({
      status: 'replayed',
      http_status: 200,
      cost_usd: '0',
      finish_reason: 'stop',
      attempts: [],
      cache: { reason: 'idempotency_key', source_receipt_id: first.receiptId.replace('rcpt_', '') },
    });
  });

  it('replays a stream event by event', async () => {
    const body = { stream: true, stream_options: { include_usage: true } };
    const first = await ask('stream', 'once in pieces', { body });
    const again = await ask('stream', 'once in pieces', { body });

    expect(first.text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(again.text).toBe(first.text);
    expect(calls('once in pieces')).toBe(1);
    expect(await receiptOf(again.receiptId)).toMatchObject({ status: 'replayed', stream_complete: true });
  });

  it('replays embeddings', async () => {
    const first = await embed();
    const again = await embed();

    expect([first.status, again.text]).toEqual([200, first.text]);
    expect(calls('once embedded')).toBe(1);
  });

  it('refuses another body under the same name, and the same one while it runs', async () => {
    const running = ask('busy', 'slowly', { model: 'a/slow' });
    await eventually(() => calls('slowly') === 1);
    const during = await ask('busy', 'slowly', { model: 'a/slow' });
    const other = await ask('busy', 'something else', { model: 'a/slow' });
    const first = await running;

    expect([during.status, during.error.code]).toEqual([409, 'idempotency_in_progress']);
    expect(Number(during.headers.get('retry-after'))).toBeGreaterThan(0);
    expect([other.status, other.error.code, other.headers.get('x-should-retry')]).toEqual([
      422,
      'idempotency_mismatch',
      'false',
    ]);
    expect(first.status).toBe(200);
    expect([calls('slowly'), calls('something else')]).toEqual([1, 0]);
  });

  it.each(['', 'x'.repeat(256), 'schl\u00fcssel'])('refuses the name "%s"', async (name) => {
    const answer = await ask(name, 'never asked');

    expect([answer.status, answer.error.param]).toEqual([400, 'Idempotency-Key']);
    expect(calls('never asked')).toBe(0);
  });

  it('keeps no failure and no answer that broke off: the same request is tried anew', async () => {
    const failed = await ask('fails', 'fails twice', { model: 'a/fail-500' });
    const failedAgain = await ask('fails', 'fails twice', { model: 'a/fail-500' });
    const before = calls('cut twice');
    const cut = await ask('cut', 'cut twice', { model: 'a/cut', body: { stream: true } });
    const once = calls('cut twice');
    const cutAgain = await ask('cut', 'cut twice', { model: 'a/cut', body: { stream: true } });

    expect([failed.status, failedAgain.status]).not.toContain(409);
    expect(failedAgain.headers.get('idempotent-replayed')).toBeNull();
    expect([cut.text.includes('[DONE]'), cutAgain.headers.get('idempotent-replayed')]).toEqual([false, null]);
    expect([before, once, calls('cut twice')]).toEqual([0, 1, 2]);
  });

  it('belongs to one key: neither another tenant nor another key of the tenant sees an answer', async () => {
    const [stranger, colleague] = [
      await product.newKey({ name: 'stranger', tenant: 'stranger' }),
      await product.newKey({ name: 'colleague' }),
    ];
    await ask('shared-name', 'whose is it');

    const answers = [
      await ask('shared-name', 'whose is it', { key: stranger.key }),
      await ask('shared-name', 'whose is it', { key: colleague.key }),
      await ask('shared-name', 'a body of their own', { key: stranger.key }),
    ];

    expect(answers.map((answer) => [answer.status, answer.headers.get('idempotent-replayed')])).toEqual([
      [200, null],
      [200, null],
      [422, null],
    ]);
    expect(calls('whose is it')).toBe(3);
  });

  it('forgets the answers of an erased subject', async () => {
    const body = { user: 'ada' };
    await ask('erased', 'about ada', { body });
    await ask('stays', 'about bob', { body: { user: 'bob' } });

    const erased = await product.cli('erase', '--user', 'ada');
    const anew = await eventually(async () => {
      const answer = await ask('erased', 'about ada', { body });
      return answer.headers.get('idempotent-replayed') === null && answer;
    });
    const kept = await ask('stays', 'about bob', { body: { user: 'bob' } });

    expect(erased.code).toBe(0);
    expect(anew.status).toBe(200);
    expect([calls('about ada'), kept.headers.get('idempotent-replayed')]).toEqual([2, 'true']);
  });

  it('says on the receipt which try of an SDK it was', async () => {
    const answer = await product.chat('large', 'third try', { headers: { 'x-stainless-retry-count': '2' } });

    expect(await receiptOf(answer.receiptId)).toMatchObject({ client_retry_count: 2 });
  });

  it('is free again after the process was killed in the middle', async () => {
    const running = ask('killed', 'killed halfway', { model: 'a/hang' }).catch(() => null);
    await eventually(() => calls('killed halfway') === 1);
    await product.stop('SIGKILL');
    await running;
    await product.start();

    const before = calls('killed halfway');
    const again = await ask('killed', 'killed halfway', { model: 'a/hang' });

    // It hangs once more, but it was tried.
    expect([again.status, again.error.code]).toEqual([504, 'upstream_timeout']);
    expect(calls('killed halfway')).toBeGreaterThan(before);
  });
});
