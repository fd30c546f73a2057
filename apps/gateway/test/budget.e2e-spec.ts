import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freeRedisPort, redisBinary, startRedis, stopRedisServers } from '../../../tools/redis-server/start-redis.js';
import { eventually, startProduct, type ChatAnswer, type Product } from '../../standalone/test/start-product.js';
import { startUpstream, type ScriptedUpstream } from '../../standalone/test/scripted-upstream.js';
import { configuration, COST_OF_LARGE } from '../../standalone/test/test-configuration.js';

const REQUESTS = 200;
/** Ten answers of `large`. */
const BUDGET = '0.025';
/** So that what is held is about what an answer costs. */
const MAX_TOKENS = 300;

let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = await startUpstream('patient');
});
afterAll(() => upstream?.close());

/** As usual, but no call is made twice because the machine is slow. */
function start(env: Readonly<Record<string, string>> = {}): Promise<Product> {
  const { port } = upstream;
  const text = configuration({ alpha: port, beta: port, dead: port });
  return startProduct({
    env,
    configuration: text
      .replace(/headers_timeout_ms: \d+/, 'headers_timeout_ms: 60000')
      .replace(/total_timeout_ms: \d+/, 'total_timeout_ms: 90000'),
  });
}

/** Who is refused because the machine is busy comes again. */
async function askUntilTaken(ask: () => Promise<ChatAnswer>): Promise<ChatAnswer> {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503) return answer;
  }
}

/** All at once, over connections of their own, so that every gateway behind the port gets some. */
async function askAtOnce(product: Product, text: string): Promise<{ readonly keyId: string; answers: ChatAnswer[] }> {
  const { id, key } = await product.newKey({ name: text, budget: BUDGET, limits: { concurrent: REQUESTS } });
  // Another gateway knows a new key a moment later.
  for (let known = 0; known < 20;) {
    const found = await product.request('GET', '/v1/models', { key, headers: { connection: 'close' } });
    known = found.status === 200 ? known + 1 : 0;
  }
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, (_, n) =>
      askUntilTaken(() =>
        product.chat('large', `${text} ${n}`, {
          key,
          headers: { 'x-nextmodel-cache': 'no-cache, no-store', connection: 'close' },
          body: { max_tokens: MAX_TOKENS },
        }),
      ),
    ),
  );
  return { keyId: id, answers };
}

async function expectNoOverspend(product: Product, text: string): Promise<string> {
  const { keyId, answers } = await askAtOnce(product, text);
  const served = answers.filter((answer) => answer.status === 200);
  const refused = answers.filter((answer) => answer.status !== 200);

  expect(served.length).toBeGreaterThanOrEqual(9);
  expect(served.length).toBeLessThanOrEqual(11);
  expect(upstream.calls.filter((call) => call.text.startsWith(`${text} `))).toHaveLength(served.length);
  expect(new Set(refused.map((answer) => `${answer.status} ${answer.error.code}`))).toEqual(
    new Set(['429 insufficient_quota']),
  );
  expect(answers.every((answer) => answer.receiptId.startsWith('rcpt_'))).toBe(true);
  const [, spent] = await eventually(async () => {
    const [row] = await product.sql(`SELECT count(), sum(cost_usd) FROM receipts WHERE api_key_id = '${keyId}'`);
    return row !== undefined && Number(row[0]) === REQUESTS && row.map(String);
  });
  expect(Number(spent)).toBeCloseTo(served.length * Number(COST_OF_LARGE), 9);
  return keyId;
}

describe('200 requests at once with a budget for ten', () => {
  describe('at one gateway', () => {
    let product: Product;
    beforeAll(async () => {
      product = await start();
    });
    afterAll(() => product?.close());

    it('spend it, and at most one answer more', async () => {
      await expectNoOverspend(product, 'one gateway');
    });
  });

  if (redisBinary === undefined) {
    it.skip('at two gateways: no redis-server or valkey-server on this machine', () => {});
    return;
  }

  describe('at two gateways that share a Redis', () => {
    let product: Product;
    beforeAll(async () => {
      const port = await freeRedisPort();
      await startRedis(port);
      product = await start({ NEXTMODEL_REDIS_URL: `redis://127.0.0.1:${port}`, NEXTMODEL_WORKERS: '2' });
    });
    afterAll(async () => {
      await product?.close();
      stopRedisServers();
    });

    const partitions = async (where: string): Promise<number> =>
      (await product.sql(`SELECT DISTINCT k_partition FROM receipts WHERE ${where}`)).length;

    it('spend it, and at most one answer more, whoever they ask', async () => {
      // The port is open before the second gateway behind it is.
      await eventually(async () => {
        await product.chat('small', 'who is there?', { headers: { connection: 'close' } });
        return (await partitions('true')) === 2;
      }, 60_000);

      const keyId = await expectNoOverspend(product, 'two gateways');

      expect(await partitions(`api_key_id = '${keyId}'`)).toBe(2);
    });
  });
});
