import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startProduct, uuidOf, type ChatAnswer, type Product } from './start-product.js';

const AT_ONCE = 40;
let product: Product;

beforeAll(async () => {
  product = await startProduct({ env: { NEXTMODEL_WORKERS: '2' } });
  // Requests are taken as soon as the first process is there.
  await eventually(() => product.output().includes('is ready'));
});
afterAll(() => product?.close());

/** As many connections as questions, so that both gateway processes get some. */
const everywhere = (name: string, key?: string): Promise<ChatAnswer[]> =>
  Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) =>
      product.chat('a/slow', `${name} ${n}.`, {
        headers: { 'x-nextmodel-tags': `case=${name}` },
        ...(key === undefined ? {} : { key }),
      }),
    ),
  );
const statuses = (answers: readonly ChatAnswer[]): readonly number[] => [
  ...new Set(answers.map((answer) => answer.status)),
];

describe('two gateway processes', () => {
  it('share the port, write a log partition each, and all receipts are in SQL', async () => {
    const answers = await everywhere('spread');

    expect(statuses(answers)).toEqual([200]);
    const rows = await eventually(async () => {
      const found = await product.sql(
        `SELECT log_id, count() FROM receipts FINAL WHERE tags['case'] = 'spread' GROUP BY log_id`,
      );
      return found.reduce((sum, row) => sum + Number(row[1]), 0) === AT_ONCE && found;
    });
    expect(rows).toHaveLength(2);
  });

  it('find each other’s receipts', async () => {
    const [answer] = await everywhere('found');

    const found = await eventually(async () => {
      const all = await Promise.all(
        Array.from({ length: 20 }, () => product.request('GET', `/v1/receipts/${answer?.receiptId ?? ''}`)),
      );
      return all.every((each) => each.status === 200) && all;
    });

    expect(new Set(found.map((each) => each.body['request_commitment'])).size).toBe(1);
  });

  it('both know a new key within a second, and both refuse it a second after it was revoked', async () => {
    const { id, key } = await product.newKey({ name: 'for both', tenant: 'both' });
    await sleep(1_000);
    const known = await everywhere('known', key);
    await product.admin('DELETE', `/keys/${id}`);
    await sleep(1_000);
    const revoked = await everywhere('revoked', key);

    expect(statuses(known)).toEqual([200]);
    expect(statuses(revoked)).toEqual([401]);
  });

  it('lose no dispatched attempt to a kill -9', async () => {
    const running = everywhere('killed').catch(() => []);
    await eventually(() => product.alpha.seen('killed ') === AT_ONCE, 5_000);

    await product.stop('SIGKILL');
    await running;
    await product.start();

    await eventually(async () => {
      const found = await product.sql(
        `SELECT count(), uniqExact(receipt_id) FROM receipts FINAL WHERE tags['case'] = 'killed'`,
      );
      return String(found[0]) === `${AT_ONCE},${AT_ONCE}`;
    });
    const audit = await product.cli('audit', 'completeness', '--format', 'json');
    const logs = JSON.parse(audit.stdout) as Record<string, unknown>[];
    expect(logs).toHaveLength(2);
    for (const log of logs) expect([Number(log['gaps']), Number(log['missing_receipts'])]).toEqual([0, 0]);
    const [row] = await product.sql(`SELECT receipt_id FROM receipts FINAL WHERE tags['case'] = 'spread' LIMIT 1`);
    expect((await product.request('GET', `/v1/receipts/rcpt_${uuidOf(String(row?.[0]))}`)).status).toBe(200);
  });
});
