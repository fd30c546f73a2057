import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { receiptStoreContract } from '../../ports/receipt-store.contract.js';
import { startSqlEngine } from '../sql-engine/start-sql-engine.js';
import { ClickhouseReceiptStore } from './clickhouse-receipt-store.js';

const folder = mkdtempSync(join(tmpdir(), 'receipt-store-'));
const engine = await startSqlEngine({
  dataDir: folder,
  port: 0,
  host: '127.0.0.1',
  auditPassword: 'look',
  ingestPassword: 'write',
});
await engine.ready;
afterAll(async () => {
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

receiptStoreContract(
  'ClickHouse, embedded',
  async () => new ClickhouseReceiptStore({ url: engine.url, username: 'ingest', password: 'write' }),
);

describe('the ClickHouse receipt store', () => {
  it('says that it is unavailable when nobody answers', async () => {
    const store = new ClickhouseReceiptStore({ url: 'http://127.0.0.1:9', username: 'ingest', password: 'write' });

    await expect(store.lastOffset(0)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });

    await store.close();
  });

  it('shows the views', async () => {
    const store = new ClickhouseReceiptStore({ url: engine.url, username: 'audit', password: 'look' });

    for (const view of ['receipts_effective', 'spend_by_key_day', 'unpriced']) {
      expect((await store.query(`SELECT * FROM nextmodel.${view} LIMIT 3`, {})).rows.length).toBeGreaterThan(0);
    }

    await store.close();
  });
});
