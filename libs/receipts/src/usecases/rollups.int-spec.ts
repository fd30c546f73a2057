import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adjustedRecord, ArrayLog, sealedRecord } from '../__fixtures__/array-log.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { MemoryTailIntents } from '../adapters/memory/memory-tail-intents.js';
import { dayOf, ROLLUPS, type Day } from '../domain/rollups.js';
import { openClickhouseStore, startSqlEngine, type SqlEngine } from '../receipts.module.js';
import { checkRollups } from './check-rollups.js';
import { createReceiptIngest } from './ingest-receipts.js';
import { replayReceipts } from './replay-receipts.js';
import { RollupKeeper } from './rollup-keeper.js';

const folder = mkdtempSync(join(tmpdir(), 'rollups-'));
const receipts = [...generateReceipts({ seed: 9, count: 900, endMs: Date.now() - 60_000, days: 3, tenants: 5 })];
const days = [...new Set(receipts.map(({ acceptedAt }) => dayOf(Date.parse(acceptedAt))))].toSorted();
const attempts = receipts.reduce((sum, receipt) => sum + receipt.attempts.length, 0);
const SOME_DAY = days[1] as Day;
const TOTALS = `SELECT toString(sum(requests)), toString(sum(cost)), toString(sum(adjusted)), toString(sum(unpriced))`;

const adjust = (index: number, seq: number, deltaPicoUsd: string, reason: string) => {
  const { receiptId, tenantId } = receipts[index]!;
  const adjustedAt = new Date().toISOString();
  return adjustedRecord({ receiptId, tenantId, seq, adjustedAt, deltaPicoUsd, reason, evidence: '' });
};

describe('the rollups', () => {
  let engine: SqlEngine;
  const log = new ArrayLog();
  const keeper = new RollupKeeper();
  const open = (database = 'nextmodel') =>
    openClickhouseStore({ url: engine.url, username: 'ingest', password: 'write', database });
  let store: ReturnType<typeof open>;
  const ingest = () =>
    createReceiptIngest({
      store,
      intents: new MemoryTailIntents(),
      deadLetter: async () => {},
      onStored: (batch) => keeper.mark(batch),
    });
  const run = async (sql: string): Promise<void> => {
    const headers = { 'x-clickhouse-user': 'ingest', 'x-clickhouse-key': 'write' };
    const answer = await fetch(engine.url, { method: 'POST', body: sql, headers });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  };
  const one = async (sql: string): Promise<unknown> => (await store.query(sql, {})).rows[0];
  const right = () =>
    one(`SELECT toString(count()), toString(sum(ifNull(effective_usd, toDecimal128(0, 12)))),
      toString(sum(ifNull(adjusted_usd, 0))), toString(countIf(effective_usd IS NULL)) FROM nextmodel.receipts_effective`);
  const agree = async (): Promise<void> => {
    const wanted = await right();
    expect(await one(`${TOTALS} FROM nextmodel.spend_key_daily`)).toEqual(wanted);
    expect(await one(`${TOTALS} FROM nextmodel.spend_hourly`)).toEqual(wanted);
    expect(await store.rollups.suspectDays()).toEqual([]);
    expect((await checkRollups(store.rollups, false)).drifts).toEqual([]);
  };
  beforeAll(async () => {
    const options = { port: 0, host: '127.0.0.1', auditPassword: 'look', ingestPassword: 'write' };
    engine = await startSqlEngine({ dataDir: join(folder, 'clickhouse'), ...options });
    await engine.ready;
    store = open();
    await store.migrate();
    log.append(0, ...receipts.map(sealedRecord));
    await ingest()(log.batch(0, 0, 900));
    expect(await keeper.turn(store.rollups)).toEqual(days);
  });
  afterAll(async () => {
    await store.close();
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('say what the receipts say, with fewer rows', async () => {
    await agree();

    const [perf] = (
      await store.query(
        `SELECT toString(sum(requests)), round(quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[1]) > 0 FROM nextmodel.perf_hourly`,
        {},
      )
    ).rows as unknown[][];
    const tags = await one(`SELECT toString(sum(requests)) FROM nextmodel.spend_tag_daily WHERE tag_key = 'team'`);
    expect(perf).toEqual(['900', 1]);
    expect(tags).toEqual(['900']);
  });

  it('count nothing twice: everything ten times more, a receipt sealed twice, corrections twice', async () => {
    log.append(0, sealedRecord(receipts[3]!), adjust(4, 1, '77', 'invoice'), adjust(4, 1, '77', 'invoice'));

    for (let delivery = 0; delivery < 10; delivery += 1) await ingest()(log.batch(0, 0, 900));
    await ingest()(log.batch(0, 900, 903));
    await keeper.turn(store.rollups);

    await agree();
    expect(await one('SELECT toString(count()) FROM nextmodel.attempts FINAL')).toEqual([String(attempts)]);
    expect((await right()) as string[]).toEqual(['900', expect.any(String), '0.000000000077', expect.any(String)]);
  });

  it('take a price that a receipt is given later', async () => {
    const index = receipts.findIndex(({ costPicoUsd }) => costPicoUsd === null);
    const before = (await right()) as string[];
    log.append(0, adjust(index, 1, '500000000000', 'rerated'));

    await ingest()(log.batch(0, 903, 904));
    const made = await keeper.turn(store.rollups);

    expect(made).toEqual([dayOf(Date.parse(receipts[index]!.acceptedAt))]);
    expect(Number(((await right()) as string[])[3])).toBe(Number(before[3]) - 1);
    await agree();
  });

  it.each([
    ['rows that are lost', 'ALTER TABLE nextmodel.{table} DELETE WHERE {where} SETTINGS mutations_sync = 1'],
    ['rows that stand twice', 'INSERT INTO nextmodel.{table} SELECT * FROM nextmodel.{table} WHERE {where}'],
    [
      'counts that are wrong',
      'ALTER TABLE nextmodel.{table} UPDATE errors = 7 WHERE {where} SETTINGS mutations_sync = 1',
    ],
  ])('are found and repaired by the check: %s', async (_name, statement) => {
    const drifted = ROLLUPS.filter(({ columns }) => !statement.includes('errors') || 'errors' in columns);
    for (const { name, day } of drifted) {
      await run(statement.replaceAll('{table}', name).replaceAll('{where}', `${day} = '${SOME_DAY}'`));
    }

    const found = await checkRollups(store.rollups, true);

    expect(found.days).toBe(days.length);
    expect(found.drifts.map(({ rollup, day }) => `${rollup} ${day}`)).toEqual(
      drifted.map(({ name }) => `${name} ${SOME_DAY}`),
    );
    await agree();
  });

  it('lose a day that has no receipts any more', async () => {
    await run(
      "INSERT INTO nextmodel.spend_key_daily (tenant_id, day, requests, cost) VALUES ('gone', today() - 20, 3, 0.5)",
    );

    const found = await checkRollups(store.rollups, true);

    expect(found.drifts).toMatchObject([{ rollup: 'spend_key_daily', requests: 3n, requestsRight: 0n }]);
    await agree();
  });

  it('are looked at once more after they were made, and made again when another has overwritten them', async () => {
    keeper.markDay(SOME_DAY);
    await keeper.turn(store.rollups);
    await run(`ALTER TABLE nextmodel.spend_hourly DROP PARTITION '${SOME_DAY}'`);

    expect(await keeper.turn(store.rollups)).toEqual([SOME_DAY]);

    await agree();
  });

  it('come out of a replay as they were, and leave nothing behind', async () => {
    const before = await one(`${TOTALS} FROM nextmodel.spend_key_daily`);
    const rebuilt = open('nextmodel_rollups');

    const result = await replayReceipts({ reader: log, live: store, rebuilt });

    expect(result.matches).toBe(true);
    expect(await one(`${TOTALS} FROM nextmodel.spend_key_daily`)).toEqual(before);
    await agree();
    expect((await store.query("SELECT name FROM system.tables WHERE name LIKE 'rollup_stage_%'", {})).rows).toEqual([]);
    await rebuilt.close();
  });
});
