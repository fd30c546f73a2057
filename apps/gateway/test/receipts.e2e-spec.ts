import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  startProduct,
  uuidOf,
  type ChatAnswer,
  type Product,
} from '../../standalone/test/start-product.js';
import { COST_OF_LARGE, COST_OF_ODD } from '../../standalone/test/test-configuration.js';

let product: Product;
let foreign: { readonly id: string; readonly key: string };

beforeAll(async () => {
  product = await startProduct();
  foreign = await product.newKey({ name: 'foreign', tenant: 'other-tenant' });
});
afterAll(() => product?.close());

const receiptOf = async (answer: ChatAnswer): Promise<Record<string, unknown>> => {
  const found = await product.request('GET', `/v1/receipts/${answer.receiptId}`);
  expect(found.status).toBe(200);
  return found.body;
};

describe('a receipt', () => {
  it('says the same in headers, over HTTP, as generation and in SQL', async () => {
    const headers = {
      'x-nextmodel-tags': 'case=agree,team=blue',
      'x-nextmodel-session': 'chat-7',
      'x-stainless-retry-count': '1',
      traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`,
    };

    const answer = await product.chat('large', 'one for the books', { headers, body: { user: 'jane' } });

    expect(answer.x('receipt-id')).toMatch(/^rcpt_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    expect([answer.x('provider'), answer.x('model'), answer.x('attempts')]).toEqual(['alpha', 'alpha-large', '1']);
    expect([answer.x('cost-usd'), answer.x('cost-status'), answer.x('cache')]).toEqual([
      COST_OF_LARGE,
      'exact',
      'MISS',
    ]);
    const receipt = await receiptOf(answer);
    expect(receipt).toMatchObject({
      id: answer.receiptId,
      object: 'receipt',
      provider: 'alpha',
      served_model: 'alpha-large',
      requested_model: 'large',
      status: 'ok',
      http_status: 200,
      cost_usd: COST_OF_LARGE,
      cost_status: 'exact',
      finish_reason: 'stop',
      trace_id: 'ab'.repeat(16),
      tags: { case: 'agree', team: 'blue' },
      session_id: 'chat-7',
      client_retry_count: 1,
      meters: { input_uncached: 800, input_cache_read: 200, output_text: 60, output_reasoning: 40 },
      attempts: [
        { n: 1, kind: 'primary', provider: 'alpha', model: 'alpha-large', status: 'ok', cost_usd: COST_OF_LARGE },
      ],
    });
    expect(JSON.stringify(receipt)).not.toMatch(/jane|one for the books/);
    const generation = await product.request('GET', `/v1/generation?id=${answer.receiptId}`);
    expect(generation.body).toMatchObject({
      data: {
        id: answer.receiptId,
        model: 'alpha-large',
        provider_name: 'alpha',
        total_cost: Number(COST_OF_LARGE),
        tokens_prompt: 1000,
        tokens_completion: 100,
        native_tokens_cached: 200,
        native_tokens_reasoning: 40,
        streamed: false,
        cancelled: false,
      },
    });
    const row = await product.row(
      `SELECT served_model, provider, toString(cost_usd), cost_status, attempts, tok_in, tok_cache_read, tok_out, tok_reasoning,
         tags['team'], status, http_status, latency_ms, lower(hex(trace_id)), api_key_id, tenant_id, wasted_usd = 0,
         session_id, client_retry_count
       FROM receipts FINAL WHERE receipt_id = '${uuidOf(answer.receiptId)}'`,
    );
    expect(row.slice(0, 12)).toEqual([
      'alpha-large',
      'alpha',
      COST_OF_LARGE,
      'exact',
      '1',
      '800',
      '200',
      '60',
      '40',
      'blue',
      'ok',
      '200',
    ]);
    expect(row[12]).toBe(String(receipt['latency_ms']));
    expect(row.slice(17)).toEqual(['chat-7', '1']);
    expect(row.slice(13, 17)).toEqual(['ab'.repeat(16), receipt['api_key_id'], receipt['tenant_id'], '1']);
  });

  it.each([false, true])('has one cost to the picodollar, wherever it is read (streamed: %s)', async (streamed) => {
    const question = `an odd price, streamed: ${streamed}`;
    const wanted = streamed ? { stream: true, stream_options: { include_usage: true } } : {};

    const { answer, frames } = await product.stream('a/odd', question, { body: { stream: false, ...wanted } });

    const last = streamed ? (JSON.parse(frames.at(-2) ?? '{}') as typeof answer.body) : answer.body;
    const usage = last['usage'] as { readonly cost: unknown; readonly cost_details: Readonly<Record<string, unknown>> };
    const receipt = await receiptOf(answer);
    const generation = await product.request('GET', `/v1/generation?id=${answer.receiptId}`);
    const sql = await product.row(
      `SELECT toString(cost_usd), (SELECT toString(sum(cost_usd)) FROM attempts FINAL WHERE receipt_id = '${uuidOf(answer.receiptId)}'),
         (SELECT toString(sum(arraySum(amount))) FROM attempts FINAL WHERE receipt_id = '${uuidOf(answer.receiptId)}')
       FROM receipts FINAL WHERE receipt_id = '${uuidOf(answer.receiptId)}'`,
    );
    expect(usage.cost).toBe(Number(COST_OF_ODD));
    expect([receipt['cost_usd'], receipt['cost_pico_usd']]).toEqual([COST_OF_ODD, '200000460']);
    expect(generation.body).toMatchObject({ data: { total_cost: Number(COST_OF_ODD), usage: Number(COST_OF_ODD) } });
    expect(sql).toEqual([COST_OF_ODD, COST_OF_ODD, COST_OF_ODD]);
    if (!streamed) expect(answer.x('cost-usd')).toBe(COST_OF_ODD);
  });

  it('has a cost that is NULL, never zero, when no price is known', async () => {
    const answer = await product.chat('a/unpriced-model', 'what does it cost');

    expect([answer.x('cost-status'), answer.x('cost-usd')]).toEqual(['unpriced', null]);
    expect(await receiptOf(answer)).toMatchObject({ cost_usd: null, cost_status: 'unpriced' });
    const id = uuidOf(answer.receiptId);
    const row = await product.row(
      `SELECT cost_usd IS NULL, cost_status, tok_in FROM receipts WHERE receipt_id = '${id}'`,
    );
    expect(row).toEqual(['1', 'unpriced', '800']);
    const view = await product.row(`SELECT requests FROM unpriced WHERE served_model = 'unpriced-model'`);
    expect(view).toEqual(['1']);
  });

  it('has every attempt, those that failed too', async () => {
    const answer = await product.chat('resilient', 'three attempts');

    expect([answer.status, answer.x('provider'), answer.x('attempts')]).toEqual([200, 'beta', '3']);
    const receipt = await receiptOf(answer);
    expect(receipt['attempts']).toMatchObject([
      { n: 1, provider: 'dead', kind: 'primary', status: 'error', http_status: 0, billed: 'no' },
      { n: 2, provider: 'alpha', kind: 'fallback', status: 'error', http_status: 503 },
      { n: 3, provider: 'beta', kind: 'fallback', status: 'ok', http_status: 200, billed: 'yes' },
    ]);
    const id = uuidOf(answer.receiptId);
    await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${id}'`);
    const rows = await product.sql(
      `SELECT n, provider, toString(status), http_status, error_code != '' FROM attempts FINAL WHERE receipt_id = '${id}' ORDER BY n`,
    );
    expect(rows.map((row) => row.map(String))).toEqual([
      ['1', 'dead', 'error', '0', '1'],
      ['2', 'alpha', 'error', '503', '1'],
      ['3', 'beta', 'ok', '200', '0'],
    ]);
  });

  it('stands for a request that was refused', async () => {
    const answer = await product.chat('no-such-model', 'refused', { headers: { 'x-nextmodel-tags': 'case=refused' } });

    expect(await receiptOf(answer)).toMatchObject({
      status: 'client_error',
      http_status: 404,
      error_code: 'model_not_found',
    });
    const row = await product.row(
      `SELECT status, http_status, error_code, attempts, toString(cost_usd), cost_status FROM receipts WHERE tags['case'] = 'refused'`,
    );
    expect(row).toEqual(['client_error', '404', 'model_not_found', '0', '0', 'free']);
  });

  it('stands for an answer of the cache and names the receipt that paid', async () => {
    const first = await product.chat('large', 'cached and receipted', { body: { temperature: 0 } });
    const second = await product.chat('large', 'cached and receipted', { body: { temperature: 0 } });

    expect([second.x('cache'), second.x('cost-usd'), second.x('attempts')]).toEqual(['HIT', '0', '0']);
    expect(await receiptOf(second)).toMatchObject({
      cost_usd: '0',
      avoided_usd: COST_OF_LARGE,
      attempts: [],
      cache: { result: 'exact', source_receipt_id: uuidOf(first.receiptId) },
    });
  });

  it('commits to the same question differently each time, so that nobody can test guesses', async () => {
    const asked = { headers: { 'x-nextmodel-cache': 'no-cache' } };
    const receipts = [await product.chat('large', 'guess me', asked), await product.chat('large', 'guess me', asked)];

    const commitments = await Promise.all(receipts.map(async (each) => (await receiptOf(each))['request_commitment']));

    expect(commitments[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(commitments[0]).not.toBe(commitments[1]);
  });
});

describe('the list of receipts', () => {
  it('has the last of this key, newest first, as many as asked for', async () => {
    const answers = [await product.chat('small', 'list 1'), await product.chat('small', 'list 2')];

    const list = await product.request('GET', '/v1/receipts?limit=2');

    expect((list.body['data'] as { id: string }[]).map((receipt) => receipt.id)).toEqual(
      answers.map((answer) => answer.receiptId).toReversed(),
    );
    expect(list.body['has_more']).toBe(true);
  });
});

describe('another tenant', () => {
  it('finds no receipt, no generation, no explanation and nothing in its list', async () => {
    const mine = await product.chat('small', 'mine alone');
    const id = mine.receiptId;

    for (const path of [`/v1/receipts/${id}`, `/v1/receipts/${id}/explain`, `/v1/generation?id=${id}`]) {
      expect((await product.request('GET', path)).status).toBe(200);
      const answer = await product.request('GET', path, { key: foreign.key });
      expect([answer.status, answer.error.code]).toEqual([404, 'not_found']);
      const never = await product.request('GET', path.replace(id, 'rcpt_01890000-0000-7000-8000-000000000000'));
      expect(answer.text).toBe(never.text);
    }
    const list = await product.request('GET', '/v1/receipts', { key: foreign.key });
    expect(list.body['data']).toEqual([]);
  });

  it('gets its own answer to a question that is in the cache of others', async () => {
    const asked = { body: { temperature: 0 } };
    await product.chat('small', 'How do I change my e-mail address?', asked);
    await eventually(
      async () => (await product.chat('small', 'How do I change my e-mail address?', asked)).x('cache') === 'HIT',
    );

    const answer = await product.chat('small', 'How do I change my e-mail address?', { ...asked, key: foreign.key });

    expect(answer.x('cache')).toBe('MISS');
    const row = await product.row(
      `SELECT tenant_id, api_key_id FROM receipts WHERE receipt_id = '${uuidOf(answer.receiptId)}'`,
    );
    expect(row).toEqual(['other-tenant', foreign.id]);
  });
});

describe('after a restart', () => {
  it('finds receipts in SQL and decisions in the log', async () => {
    const answer = await product.chat('resilient', 'remember me', { headers: { 'x-nextmodel-tags': 'case=restart' } });
    const before = await receiptOf(answer);
    const whyBefore = await product.request('GET', `/v1/receipts/${answer.receiptId}/explain`);
    await product.row(`SELECT 1 FROM receipts WHERE tags['case'] = 'restart'`);

    const ended = await product.stop();
    await product.start();

    expect(ended?.code).toBe(0);
    const after = await eventually(async () => {
      const found = await product.request('GET', `/v1/receipts/${answer.receiptId}`);
      return found.status === 200 && found.body;
    });
    for (const field of [
      'id',
      'status',
      'provider',
      'served_model',
      'cost_usd',
      'cost_status',
      'meters',
      'tags',
      'latency_ms',
      'trace_id',
      'request_commitment',
      'route',
      'accepted_at',
    ]) {
      expect({ [field]: after[field] }).toEqual({ [field]: before[field] });
    }
    expect((after['attempts'] as unknown[]).length).toBe(3);
    const why = await product.request('GET', `/v1/receipts/${answer.receiptId}/explain`);
    expect(why.body).toMatchObject({ decision_available: true });
    expect(why.body['candidates']).toEqual(whyBefore.body['candidates']);
    expect((why.body['candidates'] as unknown[]).length).toBe(3);
    const foreignWhy = await product.request('GET', `/v1/receipts/${answer.receiptId}/explain`, { key: foreign.key });
    expect(foreignWhy.status).toBe(404);
  });
});

describe('SQL', () => {
  it.each([
    'DROP TABLE receipts',
    'ALTER TABLE receipts DELETE WHERE 1',
    'TRUNCATE TABLE receipts',
    "INSERT INTO adjustments (tenant_id) VALUES ('x')",
    'CREATE TABLE mine (a UInt8) ENGINE = Memory',
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    'SELECT * FROM system.users',
    'SYSTEM SHUTDOWN',
    'SELECT 1; DROP TABLE receipts',
  ])('does not let the auditor run: %s', async (query) => {
    await expect(product.sql(query)).rejects.toThrow(/SQL answered 4|SQL answered 5/);

    expect(Number((await product.sql('SELECT count() FROM receipts'))[0]?.[0])).toBeGreaterThan(0);
  });

  it('needs its password', async () => {
    const url = `http://127.0.0.1:${product.sqlPort}/?query=${encodeURIComponent('SELECT count() FROM nextmodel.receipts')}`;

    const answers = await Promise.all([
      fetch(url),
      fetch(url, { headers: { 'x-clickhouse-user': 'audit', 'x-clickhouse-key': 'wrong' } }),
      fetch(url, { headers: { 'x-clickhouse-user': 'default', 'x-clickhouse-key': '' } }),
    ]);

    for (const answer of answers) expect([401, 403]).toContain(answer.status);
  });
});
