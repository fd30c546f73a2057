import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredRecord } from '#events/domain/event-record.js';
import { openClickhouseStore, startSqlEngine, type SqlEngine } from '#receipts/receipts.module.js';
import type { ReceiptStore } from '#receipts/ports/receipt-store.js';
import { NODE_CRYPTO } from '#transparency/transparency.module.js';
import { collectEvidence } from '../../src/dashboard/collect-evidence.js';
import { checkEvidence } from '../../src/dashboard/verify/check-evidence.js';
import { parseBundle, type Evidence } from '../../src/dashboard/verify/evidence.js';
import { logReceipt, makeReceipt } from './logged-receipt.js';

const folder = mkdtempSync(join(tmpdir(), 'edited-row-'));
const receipt = makeReceipt();
let engine: SqlEngine;
let store: ReceiptStore;
let logged: Evidence;

beforeAll(async () => {
  engine = await startSqlEngine({
    dataDir: folder,
    port: 0,
    host: '127.0.0.1',
    auditPassword: 'look',
    ingestPassword: 'write',
  });
  await engine.ready;
  store = openClickhouseStore({ url: engine.url, username: 'ingest', password: 'write' });
  await store.migrate();
  const place = { logId: 'nextmodel.receipts/0', partition: 0, offset: 0n };
  const receipts = [{ receipt, place }];
  await store.insert({ partition: 0, firstOffset: 0n, lastOffset: 0n, receipts, adjustments: [] });
  logged = await logReceipt(receipt);
});
afterAll(async () => {
  await store?.close();
  await engine?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As somebody with the rights of the ingester would. */
async function edit(sql: string): Promise<void> {
  const answer = await fetch(`${engine.url}/?database=nextmodel&mutations_sync=2`, {
    method: 'POST',
    body: sql,
    headers: { 'x-clickhouse-user': 'ingest', 'x-clickhouse-key': 'write' },
  });
  if (!answer.ok) throw new Error(await answer.text());
}

async function sqlFaults(): Promise<readonly string[]> {
  const transparency = {
    prove: () => Promise.resolve({ kind: 'proved', proof: logged.proof }),
    keys: () => Promise.resolve(logged.keys),
  };
  const parts = { transparency, store, prices: { recordText: () => null } } as unknown as Parameters<
    typeof collectEvidence
  >[0];
  const leaf = { partition: 0, offset: 0n, value: logged.event } as unknown as StoredRecord;
  const evidence = parseBundle(JSON.stringify(await collectEvidence(parts, leaf))) as Evidence;
  return checkEvidence(evidence, null, NODE_CRYPTO)
    .findings.filter(({ state }) => state === 'wrong')
    .map(({ what, detail }) => `${what}: ${detail}`);
}

describe('a row that somebody edited in ClickHouse', () => {
  it('is named with its field and both values, and nothing else is', async () => {
    expect(await sqlFaults()).toEqual([]);

    await edit("ALTER TABLE receipts UPDATE cost_usd = toDecimal64('0.000001', 12) WHERE true");
    await edit("ALTER TABLE attempts UPDATE provider_request_id = 'forged' WHERE n = 2");

    expect(await sqlFaults()).toEqual([
      `sql: receipt ${receipt.receiptId}: costPicoUsd is "45000000" here, but "1000000" in SQL`,
      `sql: receipt ${receipt.receiptId}: attempts[1].providerRequestId is "req_2" here, but "forged" in SQL`,
    ]);
  });

  it('is named as missing when it was deleted', async () => {
    await edit('ALTER TABLE receipts DELETE WHERE true');

    expect(await sqlFaults()).toEqual([`sql: receipt ${receipt.receiptId} is in the log, but SQL has no such row`]);
  });
});
