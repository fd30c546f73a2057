import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADMIN_TOKEN,
  eventually,
  freePort,
  KEY,
  SQL_PASSWORD,
  startProduct,
  uuidOf,
  type Product,
} from '../../standalone/test/start-product.js';
import { PROVIDER_SECRETS } from '../../standalone/test/test-configuration.js';

const SUMS = `SELECT count(), uniqExact(receipt_id), toString(sum(cost_usd)), sum(tok_in), sum(tok_out), toString(sum(avoided_usd)),
  (SELECT count() FROM attempts FINAL), (SELECT groupBitXor(cityHash64(receipt_id, status, provider, latency_ms)) FROM receipts FINAL)
  FROM receipts FINAL`;
const QUESTIONS = 24;
let product: Product;

beforeAll(async () => {
  product = await startProduct();
  const asked = { body: { temperature: 0 } };
  for (let n = 0; n < QUESTIONS; n += 1) {
    await product.chat(n % 3 === 0 ? 'large' : 'small', `How do I bake bread number ${n % 12}?`, {
      ...asked,
      headers: { 'x-nextmodel-tags': `team=${n % 2 === 0 ? 'blue' : 'red'}` },
    });
  }
  await product.chat('resilient', 'a failover');
  await product.chat('a/unpriced', 'no price');
  await product.chat('small', 'How do I reset my password?', asked);
  await allIngested();
});
afterAll(() => product?.close());

/** Sums once all receipts so far are in the tables: they come in the order of the log, so a last one tells. */
async function allIngested(): Promise<string> {
  const last = await product.chat('nobody', 'the last one');
  await product.row(`SELECT 1 FROM receipts WHERE receipt_id = '${uuidOf(last.receiptId)}'`);
  return JSON.stringify((await product.sql(SUMS))[0]);
}

async function expectCacheToAnswer(): Promise<void> {
  const asked = { body: { temperature: 0 }, headers: { 'x-nextmodel-cache': 'only-if-cached' } };
  const same = await product.chat('small', 'How do I reset my password?', asked);
  const reworded = await product.chat('small', 'How can I reset my password?', asked);
  expect([same.x('cache'), reworded.x('cache')]).toEqual(['HIT', 'SEMANTIC_HIT']);
  expect(reworded.content).toBe('beta on: How do I reset my password?');
}

describe('while the product runs', () => {
  it('makes, lists and revokes keys', async () => {
    const made = await product.cli(
      'keys',
      'create',
      'from-cli',
      '--tenant',
      'acme',
      '--models',
      'small,a/*',
      '--budget',
      '2.50',
    );
    const key = made.stdout.trim();
    const id = /^nm_([^_]+)_/.exec(key)?.[1] ?? '';
    const listed = await product.cli('keys', 'list');
    const used = await product.chat('small', 'used', { key });
    const forbidden = await product.chat('large', 'used', { key });
    const revoked = await product.cli('keys', 'revoke', id);
    await sleep(1_000);

    expect([made.code, listed.code, revoked.code]).toEqual([0, 0, 0]);
    expect(listed.stdout).toMatch(new RegExp(`${id}\\s+from-cli\\s+acme\\s+default\\s+small,a/\\*`));
    expect(listed.stdout).not.toContain(key);
    expect([used.status, forbidden.status]).toEqual([200, 403]);
    expect((await product.chat('small', 'used', { key })).status).toBe(401);
    expect((await product.cli('keys', 'list')).stdout).toMatch(new RegExp(`${id}.*\\d{4}-\\d\\d-.*\\d{4}-\\d\\d-`));
  });

  it('fails to revoke a key that does not exist', async () => {
    const ended = await product.cli('keys', 'revoke', 'nobody');

    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/no such key/i);
  });

  it('lists all audits and runs every one of them', async () => {
    const list = await product.cli('audit');
    const names = list.stdout
      .split('\n')
      .slice(2)
      .map((line) => line.split(' ')[0] ?? '')
      .filter((name) => name !== '');

    expect(list.code).toBe(0);
    expect(names.length).toBeGreaterThanOrEqual(12);
    for (const name of names) {
      const ended = await product.cli('audit', name, '--format', 'json');
      expect([name, ended.code, ended.stderr]).toEqual([name, 0, '']);
      expect(Array.isArray(JSON.parse(ended.stdout))).toBe(true);
    }
  });

  it('shows an audit as a table, as JSON and as CSV with the same numbers', async () => {
    const [table, json, csv] = await Promise.all(
      ['table', 'json', 'csv'].map((format) => product.cli('audit', 'spend-by-model', '--format', format)),
    );

    const rows = JSON.parse(json?.stdout ?? '') as Record<string, unknown>[];
    const [head, ...lines] = (csv?.stdout ?? '').trim().split('\n');
    expect(rows.length).toBeGreaterThanOrEqual(3);
    expect(head?.split(',')).toEqual(Object.keys(rows[0] ?? {}));
    expect(lines).toHaveLength(rows.length);
    for (const row of rows) {
      expect(lines.some((line) => line.includes(String(row['served_model'])))).toBe(true);
      expect(table?.stdout).toContain(String(row['served_model']));
    }
    const spend = await product.row(
      `SELECT toString(sum(cost_usd)) FROM receipts FINAL WHERE served_model = 'alpha-large'`,
    );
    const audited = rows.find((row) => row['served_model'] === 'alpha-large');
    expect(Number(audited?.['spend_usd'])).toBe(Number(spend[0]));
  });

  it('finds no mistake in costs and no gap in the log, and bills tags', async () => {
    const mistakes = await product.cli('audit', 'recompute-costs', '--format', 'json');
    const complete = await product.cli('audit', 'completeness', '--format', 'json');
    const bill = await product.cli('audit', 'chargeback', '--tag', 'team', '--format', 'csv');

    expect(JSON.parse(mistakes.stdout)).toEqual([]);
    expect(JSON.parse(complete.stdout)).toMatchObject([
      { gaps: expect.anything(), missing_receipts: expect.anything() },
    ]);
    for (const log of JSON.parse(complete.stdout) as Record<string, unknown>[]) {
      expect([Number(log['gaps']), Number(log['missing_receipts'])]).toEqual([0, 0]);
    }
    expect(bill.stdout).toMatch(/blue/);
    expect(bill.stdout).toMatch(/red/);
  });

  it('rebuilds the cache under running requests', async () => {
    const ended = await product.cli('replay', 'cache');

    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('They agree')]);
    await expectCacheToAnswer();
  });

  it('rebuilds the receipts under running requests to the same rows and sums', async () => {
    const before = await allIngested();

    const ended = await product.cli('replay', 'receipts');

    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('They agree')]);
    expect(await eventually(async () => JSON.stringify((await product.sql(SUMS))[0]))).toBe(before);
    const later = await product.chat('small', 'after the replay', {
      headers: { 'x-nextmodel-tags': 'case=after-replay' },
    });
    expect(later.status).toBe(200);
    await product.row(`SELECT 1 FROM receipts WHERE tags['case'] = 'after-replay'`);
  });

  it('says what doctor sees', async () => {
    const ended = await product.cli('doctor');

    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(new RegExp(`data directory\\s+ok.*owned by pid ${product.pid}`));
    expect(ended.stdout).toMatch(/instance\s+ok\s+ready/);
  });
});

describe('while the product is stopped', () => {
  let sums: string;

  beforeAll(async () => {
    sums = await allIngested();
    expect((await product.stop())?.code).toBe(0);
  });

  it('makes, lists and revokes keys that count at the next start', async () => {
    const kept = await product.cli('keys', 'create', 'made-offline', '--tenant', 'acme');
    const gone = await product.cli('keys', 'create', 'gone-offline');
    const id = /^nm_([^_]+)_/.exec(gone.stdout.trim())?.[1] ?? '';
    const revoked = await product.cli('keys', 'revoke', id);
    const unknown = await product.cli('keys', 'revoke', 'nobody');
    const listed = await product.cli('keys', 'list');
    await product.start();
    const answers = [
      await product.chat('small', 'offline', { key: kept.stdout.trim() }),
      await product.chat('small', 'offline', { key: gone.stdout.trim() }),
    ];
    sums = await allIngested();
    await product.stop();

    expect([kept.code, gone.code, revoked.code, listed.code]).toEqual([0, 0, 0, 0]);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/no such key/i);
    expect(listed.stdout).toMatch(/made-offline\s+acme/);
    expect(answers.map((answer) => answer.status)).toEqual([200, 401]);
  });

  it('runs audits', async () => {
    const ended = await product.cli('audit', '03', '--format', 'json');

    expect(ended.code).toBe(0);
    expect((JSON.parse(ended.stdout) as unknown[]).length).toBeGreaterThanOrEqual(3);
  });

  it('doctor is content with an instance that does not run', async () => {
    const ended = await product.cli('doctor');

    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/no instance runs/);
  });

  it('rebuilds views that were deleted: the same rows, sums and answers', async () => {
    for (const view of ['vectors', 'clickhouse']) rmSync(join(product.dataDir, view), { recursive: true, force: true });

    const cache = await product.cli('replay', 'cache');
    const receipts = await product.cli('replay', 'receipts');
    await product.start();

    expect([cache.code, receipts.code]).toEqual([0, 0]);
    expect(receipts.stdout).toContain('They agree');
    const after = await eventually(async () => {
      const now = JSON.stringify((await product.sql(SUMS))[0]);
      return now === sums && now;
    });
    expect(after).toBe(sums);
    await expectCacheToAnswer();
  });

  it('needs no replay to rebuild what was deleted: a start does it too', async () => {
    sums = await allIngested();
    await product.stop();
    for (const view of ['vectors', 'clickhouse']) rmSync(join(product.dataDir, view), { recursive: true, force: true });

    await product.start();

    await eventually(async () => JSON.stringify((await product.sql(SUMS))[0]) === sums);
    await expectCacheToAnswer();
  });
});

describe('the command line', () => {
  it('shows the effective configuration with its secrets masked', async () => {
    const ended = await product.cli('config', 'check');

    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/alpha-large/);
    expect(ended.stdout).toMatch(/\*\*\*\*/);
    for (const secret of [...PROVIDER_SECRETS, ADMIN_TOKEN, KEY, SQL_PASSWORD])
      expect(ended.stdout).not.toContain(secret);
  });

  it('doctor exits 69 and names what cannot be reached', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;

    const ended = await product.spawn(['doctor'], {
      NEXTMODEL_CLICKHOUSE_URL: `http://secretuser:secretword@${nobody}`,
      NEXTMODEL_QDRANT_URL: `http://${nobody}`,
      NEXTMODEL_KAFKA_BROKERS: nobody,
    }).ended;

    expect(ended.code).toBe(69);
    for (const engine of ['clickhouse', 'qdrant', 'kafka'])
      expect(ended.stdout).toMatch(new RegExp(`${engine}\\s+down`));
    expect(ended.stdout + ended.stderr).not.toMatch(/secretword/);
  });

  it.each([
    [[], 2],
    [['nonsense'], 2],
    [['keys'], 2],
    [['keys', 'create'], 2],
    [['keys', 'create', 'x', '--colour', 'blue'], 2],
    [['keys', 'list', 'extra'], 2],
    [['replay'], 2],
    [['replay', 'everything'], 2],
    [['audit', '01', '--format', 'xml'], 2],
    [['audit', 'no-such-audit'], 1],
    [['config'], 2],
    [['--help'], 0],
  ] as const)('%j ends with %i and says how to use it', async (words, code) => {
    const ended = await product.cli(...words);

    expect(ended.code).toBe(code);
    expect(`${ended.stdout}${ended.stderr}`).toMatch(/usage|known|There are|there is no audit/i);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
  });
});
