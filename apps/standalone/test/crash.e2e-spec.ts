import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startProduct, uuidOf, type ChatAnswer, type Product } from './start-product.js';

const CASES = 160;
const EVERY_MS = 5;
const KILL_AFTER_MS = 550;

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.close());

/** Half of the questions are streamed; all of them take 0.3 s at the provider. */
async function load(round: string): Promise<Map<number, ChatAnswer>> {
  const whole = new Map<number, ChatAnswer>();
  const running = Array.from({ length: CASES }, async (_, n) => {
    await sleep(n * EVERY_MS);
    const headers = { 'x-nextmodel-tags': `case=${round}-${n}` };
    const streamed = n % 2 === 1;
    try {
      const answer = await product.chat('a/slow', `crash ${round} ${n}.`, { headers, body: { stream: streamed } });
      if (answer.status === 200 && (!streamed || answer.text.includes('data: [DONE]'))) whole.set(n, answer);
    } catch {
      // The gateway died under this request.
    }
  });
  await sleep(KILL_AFTER_MS);
  await product.stop('SIGKILL');
  await Promise.allSettled(running);
  return whole;
}

describe('kill -9 of everything under load', () => {
  it.each(['first', 'second'])('loses no dispatched attempt and doubles none (%s time)', async (round) => {
    const whole = await load(round);
    await product.start();

    const dispatched = Array.from({ length: CASES }, (_, n) => n).filter(
      (n) => product.alpha.seen(`crash ${round} ${n}.`) > 0,
    );
    expect(dispatched.length).toBeGreaterThan(20);
    const rows = await eventually(async () => {
      const found = await product.sql(
        `SELECT tags['case'], receipt_id, toString(status), attempts FROM receipts FINAL WHERE startsWith(tags['case'], '${round}-')`,
      );
      const have = new Set(found.map((row) => row[0]));
      return dispatched.every((n) => have.has(`${round}-${n}`)) && found;
    }, 20_000);
    const cases = rows.map((row) => String(row[0]));
    expect(new Set(cases).size).toBe(cases.length);
    const byCase = new Map(rows.map((row) => [row[0], row]));
    for (const [n, answer] of whole) {
      const row = byCase.get(`${round}-${n}`);
      expect([row?.[2], row?.[1]]).toEqual(['ok', answer.receiptId === '' ? row?.[1] : uuidOf(answer.receiptId)]);
    }
    for (const n of dispatched) {
      const [, , status, attempts] = byCase.get(`${round}-${n}`) ?? [];
      expect(Number(attempts)).toBe(product.alpha.seen(`crash ${round} ${n}.`));
      if (!whole.has(n)) expect(['ok', 'unknown', 'aborted']).toContain(status);
    }
    const unfinished = rows.filter((row) => row[2] === 'unknown');
    expect(unfinished.length).toBeGreaterThan(0);
    expect(product.output()).toMatch(/Recovered/);
  });

  it('leaves a log in which every position is accounted for, and exact costs', async () => {
    const complete = await product.cli('audit', 'completeness', '--format', 'json');
    const recomputed = await product.cli('audit', 'recompute-costs', '--format', 'json');

    expect([complete.code, recomputed.code]).toEqual([0, 0]);
    const [log] = JSON.parse(complete.stdout) as Record<string, unknown>[];
    expect([Number(log?.['gaps']), Number(log?.['missing_receipts']), Number(log?.['dead_letters'])]).toEqual([
      0, 0, 0,
    ]);
    expect(JSON.parse(recomputed.stdout)).toEqual([]);
  });

  it('does not charge unfinished requests as if they had cost nothing', async () => {
    const rows = await product.sql(
      `SELECT DISTINCT cost_usd IS NULL, toString(cost_status) FROM receipts FINAL WHERE status = 'unknown'`,
    );

    expect(rows.map((row) => row.map(String))).toEqual([['1', 'unpriced']]);
  });
});
