import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generateReceipts } from '../../__fixtures__/generated-receipts.js';
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

  it('stores numbers whose bytes are line ends, and all receipts after them', async () => {
    const store = new ClickhouseReceiptStore({ url: engine.url, username: 'ingest', password: 'write' });
    const receipts = [...generateReceipts({ seed: 11, count: 40, endMs: Date.UTC(2026, 10, 20), days: 1 })].map(
      (receipt) => ({ ...receipt, latencyMs: 0x0a0a0a0a }),
    );

    await store.insert({
      partition: 77,
      firstOffset: 0n,
      lastOffset: 39n,
      adjustments: [],
      receipts: receipts.map((receipt, at) => ({
        receipt,
        place: { logId: 'lines/77', partition: 77, offset: BigInt(at) },
      })),
    });

    const last = receipts[39]!;
    expect(await store.find(last.tenantId, last.receiptId)).toEqual(JSON.parse(JSON.stringify(last)));
    expect(await store.lastOffset(77)).toBe(39n);
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
