import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { picoToDecimal } from '#events/domain/money.js';
import { adjustedRecord, ArrayLog, sealedRecord } from '../__fixtures__/array-log.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { FileTailIntents } from '../adapters/files/file-tail-intents.js';
import { openClickhouseStore, readAudits, startSqlEngine, type SqlEngine } from '../receipts.module.js';
import { createReceiptIngest } from './ingest-receipts.js';
import { replayReceipts } from './replay-receipts.js';
import { runAudit } from './run-audit.js';

const folder = mkdtempSync(join(tmpdir(), 'exactly-once-'));
const receipts = [...generateReceipts({ seed: 11, count: 3_000, endMs: Date.now() - 60_000, days: 20 })];
const log = new ArrayLog();
const COUNTS = `SELECT (SELECT count() FROM nextmodel.receipts), (SELECT uniqExact(receipt_id) FROM nextmodel.receipts),
  (SELECT count() FROM nextmodel.attempts), (SELECT count() FROM nextmodel.adjustments), (SELECT count() FROM nextmodel.log_entries)`;

describe('receipts from the log to SQL', () => {
  let engine: SqlEngine;
  const open = (database = 'nextmodel') =>
    openClickhouseStore({ url: engine.url, username: 'ingest', password: 'write', database });
  let store: ReturnType<typeof open>;
  const ingestOf = (intents = 'intents') =>
    createReceiptIngest({
      store,
      intents: new FileTailIntents(join(folder, intents)),
      deadLetter: async () => {},
      blockSize: 250n,
    });
  const attempts = receipts.reduce((sum, receipt) => sum + receipt.attempts.length, 0);
  const cost = picoToDecimal(receipts.reduce((sum, receipt) => sum + BigInt(receipt.costPicoUsd ?? '0'), 0n));

  beforeAll(async () => {
    engine = await startSqlEngine({
      dataDir: join(folder, 'clickhouse'),
      port: 0,
      host: '127.0.0.1',
      auditPassword: 'look',
      ingestPassword: 'write',
    });
    await engine.ready;
    store = open();
    await store.migrate();
    // merges would remove the doubled rows that this test is looking for
    for (const table of ['receipts', 'attempts', 'adjustments', 'log_entries']) {
      const body = `ALTER TABLE nextmodel.${table} MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1`;
      const headers = { 'x-clickhouse-user': 'ingest', 'x-clickhouse-key': 'write' };
      expect((await fetch(engine.url, { method: 'POST', body, headers })).status).toBe(200);
    }
    log.append(0, ...receipts.slice(0, 2_900).map(sealedRecord));
    log.append(1, ...receipts.slice(2_900).map(sealedRecord));
    const [first] = receipts;
    if (first !== undefined) {
      const { receiptId, tenantId } = first;
      log.append(
        1,
        adjustedRecord({
          receiptId,
          tenantId,
          seq: 1,
          adjustedAt: new Date().toISOString(),
          deltaPicoUsd: '77',
          reason: 'invoice',
          evidence: '',
        }),
        sealedRecord(first),
      );
    }
  });
  afterAll(async () => {
    await store.close();
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('stores every receipt once although the engine is killed and the consumer dies between its steps', async () => {
    let ingest = ingestOf();
    let offset = 0;
    let kills = 0;
    let stored = 0;
    let lost = 0;
    for (let step = 0; offset < 2_900; step += 1) {
      const to = Math.min(2_900, offset + 90 + ((step * 37) % 300));
      const running = ingest(log.batch(0, offset, to));
      if (step % 4 === 1 && kills < 5 && engine.pid !== null) {
        kills += 1;
        await new Promise((resolve) => setTimeout(resolve, 3 * kills));
        process.kill(engine.pid, 'SIGKILL');
      }
      const outcome = await running;
      if (outcome.kind === 'again') {
        await new Promise((resolve) => setTimeout(resolve, 300));
        continue;
      }
      stored += 1;
      if (stored % 3 !== 0) offset = to;
      else {
        // the checkpoint is lost, and a new process reads with other batch sizes; every second one lost the intents too
        lost += 1;
        ingest = ingestOf(lost % 2 === 0 ? 'intents' : `intents-${lost}`);
      }
    }
    await ingest(log.batch(1, 0, 102));

    const { rows } = await store.query(COUNTS, {});
    expect(kills).toBe(5);
    expect(lost).toBeGreaterThan(3);
    // without FINAL: not one row too many
    expect(rows[0]?.map(Number)).toEqual([3_001, 3_000, attempts + (receipts[0]?.attempts.length ?? 0), 1, 3_002]);
    expect(await store.sums()).toMatchObject({ receipts: 3_000n, attempts: BigInt(attempts), costUsd: cost });
  }, 90_000);

  it('accounts for every position of the log and computes every cost again without a mistake', async () => {
    const audits = readAudits();
    const complete = await runAudit(store, audits, 'completeness');
    const mistakes = await runAudit(store, audits, '8', { days: '60' });

    const column = (name: string): number => complete.columns.findIndex((one) => one.name === name);
    expect(complete.rows.map((row) => [row[column('gaps')], row[column('missing_receipts')]].map(Number))).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(mistakes.rows).toEqual([]);
  });

  it('lets the reader run every audit', async () => {
    const reader = openClickhouseStore({ url: engine.url, username: 'audit', password: 'look' });
    const audits = readAudits();

    for (const { name } of audits) {
      const { rows } = await runAudit(reader, audits, name, {});
      if (!name.includes('08') && !name.includes('06')) expect(rows.length, name).toBeGreaterThan(0);
    }

    expect(audits).toHaveLength(13);
    await reader.close();
  });

  it('rebuilds the same tables from the log, also where there were none', async () => {
    const before = await store.sums();
    const rebuilt = open('nextmodel_rebuild');
    const progress: bigint[] = [];

    const result = await replayReceipts({
      reader: log,
      live: store,
      rebuilt,
      onProgress: ({ read }) => progress.push(read),
    });
    const again = await store.sums();
    await store.dropDatabase();
    const fromNothing = await replayReceipts({ reader: log, live: store, rebuilt });

    expect(result.matches).toBe(true);
    expect(again).toEqual(before);
    expect(fromNothing.matches).toBe(true);
    expect(await store.sums()).toEqual(before);
    expect(progress.at(-1)).toBe(3_002n);
    expect((await store.query('SELECT count() FROM nextmodel.receipts_effective', {})).rows).toEqual([['3000']]);
    expect((await store.query("SELECT name FROM system.databases WHERE name LIKE 'nextmodel_%'", {})).rows).toEqual([]);
    await rebuilt.close();
  });
});
