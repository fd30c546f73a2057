import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COST_OF_LARGE } from '../../standalone/test/test-configuration.js';
import {
  eventually,
  startProduct,
  uuidOf,
  type ChatAnswer,
  type Product,
} from '../../standalone/test/start-product.js';

/** 8 tokens at 0.02 dollars a million. */
const COST_OF_EMBEDDING = '0.00000016';
const EMBEDDER = '{ provider: beta, model: embed, dimensions: 3, timeout_ms: 5000 }';
let product: Product;

beforeAll(async () => {
  product = await startProduct({ started: false });
  const edit = (name: string, change: (text: string) => string): void => {
    const path = join(product.directory, name);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  };
  edit('nextmodel.yaml', (text) => text.replace('max_error: 0.01', `max_error: 0.01, embedder: ${EMBEDDER}`));
  edit(
    'prices.yaml',
    (text) =>
      `${text}- { provider: beta, model: embed, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 0.02 } }\n`,
  );
  await product.start();
});
afterAll(() => product?.close());

const ask = (text: string, cache?: string): Promise<ChatAnswer> =>
  product.chat('large', text, {
    body: { temperature: 0 },
    ...(cache === undefined ? {} : { headers: { 'x-nextmodel-cache': cache } }),
  });
const embedded = (text: string): number =>
  product.beta.calls.filter((call) => call.path.endsWith('/embeddings') && call.text === text).length;
const receiptOf = async ({ receiptId }: ChatAnswer): Promise<Record<string, unknown>> =>
  (await product.request('GET', `/v1/receipts/${receiptId}`)).body;

describe('a question embedded by a provider', () => {
  it('has the call on its receipt, in its cost and in SQL, and pays for it once', async () => {
    const answer = await ask('How do I reset my password?');

    const total = '0.00250016';
    expect([answer.x('cost-usd'), answer.x('attempts'), answer.x('cache')]).toEqual([total, '1', 'MISS']);
    expect(answer.body['usage']).toMatchObject({ prompt_tokens: 1000, completion_tokens: 100, cost: Number(total) });
    expect(await receiptOf(answer)).toMatchObject({
      provider: 'alpha',
      served_model: 'alpha-large',
      cost_usd: total,
      wasted_usd: '0',
      cost_status: 'exact',
      cache: { result: 'miss' },
      attempts: [
        {
          n: 1,
          kind: 'embedding',
          provider: 'beta',
          model: 'embed',
          status: 'ok',
          billed: 'yes',
          meters: { input_uncached: 8 },
          cost_usd: COST_OF_EMBEDDING,
        },
        { n: 2, kind: 'primary', provider: 'alpha', model: 'alpha-large', status: 'ok', cost_usd: COST_OF_LARGE },
      ],
    });
    const row = await product.row(
      `SELECT toString(any(r.cost_usd)), toString(sum(a.cost_usd)), arrayStringConcat(groupArray(toString(a.kind)), ','), any(r.served_model)
       FROM (SELECT * FROM attempts FINAL ORDER BY n) AS a INNER JOIN (SELECT * FROM receipts FINAL) AS r
         ON r.receipt_id = a.receipt_id
       WHERE a.receipt_id = '${uuidOf(answer.receiptId)}' GROUP BY a.receipt_id`,
    );
    expect(row).toEqual([total, total, 'embedding,primary', 'alpha-large']);
    expect(embedded('How do I reset my password?')).toBe(1);
  });

  it('costs what the call cost when it is answered by its meaning, and says what it saved apart', async () => {
    const hit = await eventually(async () => {
      const answer = await ask('How can I reset my password?', 'only-if-cached');
      return answer.x('cache') === 'SEMANTIC_HIT' && answer;
    });

    expect([hit.x('cost-usd'), hit.x('attempts'), hit.content]).toEqual([
      COST_OF_EMBEDDING,
      '0',
      'alpha on: How do I reset my password?',
    ]);
    expect(await receiptOf(hit)).toMatchObject({
      status: 'ok',
      served_model: null,
      cost_usd: COST_OF_EMBEDDING,
      wasted_usd: '0',
      avoided_usd: '0.00250016',
      cache: { result: 'semantic' },
      attempts: [{ n: 1, kind: 'embedding', status: 'ok', cost_usd: COST_OF_EMBEDDING }],
    });
    // The entry has the vector of the question that was asked first: nobody embedded it for the index.
    expect(embedded('How do I reset my password?')).toBe(1);
  });

  it('is not embedded where its text is known or no answer by meaning is wanted', async () => {
    const again = await ask('How do I reset my password?');
    const plain = await ask('How do I close my account?', 'semantic=off');

    expect([again.x('cache'), again.x('cost-usd')]).toEqual(['HIT', '0']);
    expect([plain.x('cache'), plain.x('cost-usd')]).toEqual(['MISS', COST_OF_LARGE]);
    expect(embedded('How do I close my account?')).toBe(0);
  });

  it('leaves receipts that verify and costs that can be computed again', async () => {
    const answer = await ask('How do I rename my project?');
    await product.row(`SELECT 1 FROM receipts FINAL WHERE receipt_id = '${uuidOf(answer.receiptId)}'`);

    const verified = await eventually(async () => {
      const ended = await product.cli('verify', answer.receiptId);
      return ended.code === 0 && ended;
    });
    const recomputed = await product.cli('audit', 'recompute-costs', '--format', 'csv');

    expect(verified.stdout).toContain('its attempts (2) make the totals');
    expect(recomputed.stdout.trim().split('\n')).toHaveLength(1);
  });

  it('is a miss with a line that says what may have been billed, when the embedder is broken', async () => {
    await product.stop();
    const path = join(product.directory, 'nextmodel.yaml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(EMBEDDER, '{ provider: beta, model: hang, dimensions: 3, timeout_ms: 100 }'));
    await product.start();

    const answer = await ask('How do I export my data?');

    expect([answer.status, answer.x('cache'), answer.x('cost-status')]).toEqual([200, 'MISS', 'unpriced']);
    expect(await receiptOf(answer)).toMatchObject({
      status: 'ok',
      served_model: 'alpha-large',
      cost_usd: null,
      cache: { result: 'miss', reason: 'embedder_error' },
      attempts: [
        {
          kind: 'embedding',
          model: 'hang',
          status: 'timeout',
          error_code: 'upstream_timeout',
          moved_on: 'cache_miss',
          billed: 'unknown',
          usage_source: 'estimated',
          meters: { input_uncached: 6 },
          cost_usd: null,
        },
        { kind: 'primary', cost_usd: COST_OF_LARGE },
      ],
    });
    expect(product.output()).toContain('the embedder has no price');
  });
});
