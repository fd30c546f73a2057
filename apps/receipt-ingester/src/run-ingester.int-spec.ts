import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '#config/config.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import { openSegmentWriter } from '#event-log/event-log.module.js';
import type { EventLogWriter } from '#event-log/ports/event-log.js';
import { openClickhouseStore, startSqlEngine, type SqlEngine } from '#receipts/receipts.module.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { generateReceipts } from '#receipts/__fixtures__/generated-receipts.js';
import type { IngesterOrder } from './ingester-order.js';
import { runIngester, type RunningIngester } from './run-ingester.js';

const folder = mkdtempSync(join(tmpdir(), 'ingester-'));
const clickhouseDirectory = join(folder, 'clickhouse');
const logDirectory = join(folder, 'log');
const receipts = [...generateReceipts({ seed: 5, count: 300, endMs: Date.now(), days: 2 })];
const sealed = (receipt: Receipt): NewRecord =>
  encodeEvent(
    'nextmodel.receipt.sealed.v1',
    `${receipt.receiptId}/sealed`,
    receipt.receiptId,
    receipt.sealedAt,
    receipt,
  );

const startEngine = () =>
  startSqlEngine({
    dataDir: clickhouseDirectory,
    port: 0,
    host: '127.0.0.1',
    auditPassword: 'look',
    ingestPassword: 'write',
  });

describe('the receipt ingester on segment files', () => {
  let engine: SqlEngine;
  let writer: EventLogWriter;
  let running: RunningIngester;
  let order: IngesterOrder;
  let store: ReturnType<typeof openClickhouseStore>;
  const logger = createLogger({ level: 'error' });
  const connect = (): void => {
    const sql = { url: engine.url, username: 'ingest', password: 'write' };
    store = openClickhouseStore(sql);
    const loaded = loadSettings({ env: {}, cwd: folder });
    if (!loaded.ok) throw new Error('no settings');
    order = { kind: 'ingest', settings: loaded.settings, logDirectory, clickhouseDirectory, sql };
  };
  const count = async (): Promise<number> => Number((await store.sums().catch(() => null))?.receipts ?? -1);

  beforeAll(async () => {
    writer = await openSegmentWriter({ directory: logDirectory, partition: 0, durability: 'fast' });
    engine = await startEngine();
    connect();
    running = await runIngester(order, logger);
  });
  afterAll(async () => {
    await running.stop();
    await store.close();
    await engine.stop();
    await writer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes the tables by itself and shows a receipt about a second after it was sealed', async () => {
    await expect.poll(count, { timeout: 10_000 }).toBe(0);

    const from = performance.now();
    await writer.append(receipts.slice(0, 100).map(sealed)).durable;
    await expect.poll(count, { timeout: 10_000, interval: 25 }).toBe(100);
    console.log(`seal to SQL: ${Math.round(performance.now() - from)} ms`);

    expect(performance.now() - from).toBeLessThan(5_000);
  });

  it('puts a broken event aside and goes on', async () => {
    const [first] = receipts;
    if (first === undefined) throw new Error('no receipt');
    await writer.append([
      { ...sealed(first), value: '{"receiptId":"no receipt"}' },
      ...receipts.slice(100, 150).map(sealed),
    ]).durable;

    await expect.poll(count, { timeout: 10_000 }).toBe(150);

    const letters = readFileSync(join(clickhouseDirectory, 'dead-letters', 'nextmodel.receipts.dlq.ndjson'), 'utf8')
      .trim()
      .split('\n');
    expect(letters).toHaveLength(1);
    expect(JSON.parse(letters[0] ?? '')).toMatchObject({ headers: { 'x-source': 'nextmodel.receipts:0:100' } });
  });

  it('builds the tables again from the log when their folder was deleted', async () => {
    await running.stop();
    await store.close();
    await engine.stop();
    rmSync(clickhouseDirectory, { recursive: true });
    await writer.append(receipts.slice(150).map(sealed)).durable;
    engine = await startEngine();
    connect();
    running = await runIngester(order, logger);

    await expect.poll(count, { timeout: 15_000 }).toBe(300);
  });

  it('reads again what the tables have lost although its checkpoint is ahead', async () => {
    await running.stop();
    await store.dropDatabase();
    running = await runIngester(order, logger);

    await expect.poll(count, { timeout: 15_000 }).toBe(300);
  });
});
