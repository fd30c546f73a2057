import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptLine } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { ClickhouseReceiptStore } from '../adapters/clickhouse/clickhouse-receipt-store.js';
import { readAudits } from '../adapters/files/audit-files.js';
import { startSqlEngine } from '../adapters/sql-engine/start-sql-engine.js';
import { SCHEMA_VERSION, schemaStatements } from '../domain/ddl.js';
import { runAudit } from './run-audit.js';

const folder = mkdtempSync(join(tmpdir(), 'audits-'));
const engine = await startSqlEngine({
  dataDir: folder,
  port: 0,
  host: '127.0.0.1',
  auditPassword: 'look',
  ingestPassword: 'write',
});
await engine.ready;
const writer = { url: engine.url, username: 'ingest', password: 'write' };
const store = new ClickhouseReceiptStore(writer);
afterAll(async () => {
  await store.close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

const SOME = [...generateReceipts({ seed: 3, count: 400, endMs: Date.now() - 60_000, days: 1 })];
const base = SOME.find(({ attempts }) => attempts.length === 1 && attempts[0]?.status === 'ok')!;
type Try = readonly [cost: string | null, billed?: AttemptLine['billed']];
const HALF = '500000000000';
let made = 0;

function crafted(cost: string | null, tries: readonly Try[], over: Partial<Receipt> = {}): Receipt {
  const { receiptId, acceptedAt } = SOME[(made += 1)]!;
  const attempts = tries.map(([costPicoUsd, billed = 'yes'], index): AttemptLine => ({
    ...base.attempts[0]!,
    n: index + 1,
    billed,
    costPicoUsd,
    costStatus: costPicoUsd === null ? 'unpriced' : 'provider_reported',
  }));
  const costStatus = cost === null ? 'unpriced' : 'provider_reported';
  return {
    ...base,
    receiptId,
    acceptedAt,
    costPicoUsd: cost,
    costStatus,
    attempts,
    wastedPicoUsd: '0',
    avoidedPicoUsd: '0',
    ...over,
  };
}

function attemptOf(receipt: Receipt, over: Partial<AttemptLine>): Receipt {
  const attempts = receipt.attempts.map((attempt): AttemptLine => ({ ...attempt, costStatus: 'exact', ...over }));
  return { ...receipt, attempts };
}

const right = [
  crafted('0', []),
  crafted(HALF, [[HALF]]),
  crafted(HALF, [
    [null, 'no'],
    [HALF, 'unknown'],
    ['9', 'no'],
  ]),
  crafted(null, [[HALF], [null, 'unknown']], { wastedPicoUsd: null }),
  crafted('0', [], { avoidedPicoUsd: null }),
];
const wrong = [
  crafted(HALF, []),
  crafted(HALF, [[HALF], [null]]),
  crafted(null, [['700000000000']]),
  crafted(null, []),
];
const unpriced = crafted(null, [[null]]);
const corrected = crafted(null, [[null]]);
const rerated = crafted(null, [[null]]);
const both = crafted('1000000000000', [['1000000000000']]);
const all = [...right, ...wrong, unpriced, corrected, rerated, both];

beforeAll(async () => {
  await store.migrate();
  let offset = -1n;
  const place = () => ({ logId: 'log/0', partition: 0, offset: (offset += 1n) });
  const seqs = new Map<string, number>();
  const adjust = ({ receiptId, tenantId }: Receipt, deltaPicoUsd: string, reason: string) => {
    const seq = (seqs.get(receiptId) ?? 0) + 1;
    seqs.set(receiptId, seq);
    const adjustedAt = new Date().toISOString();
    return { adjustment: { receiptId, tenantId, seq, adjustedAt, deltaPicoUsd, reason, evidence: '' }, place: place() };
  };
  const receipts = all.map((receipt) => ({ receipt, place: place() }));
  const adjustments = [
    adjust(corrected, '1000', 'late_usage'),
    adjust(rerated, '1000', 'late_usage'),
    adjust(rerated, '250000000000', 'rerated'),
    adjust(both, '-1000', 'invoice'),
  ];
  await store.insert({ partition: 0, firstOffset: 0n, lastOffset: offset, receipts, adjustments });
});

const audits = readAudits();
async function audit(name: string): Promise<readonly Record<string, unknown>[]> {
  const { columns, rows } = await runAudit(store, audits, name);
  return rows.map((row) =>
    Object.fromEntries(columns.map((column, index) => [column.name, (row as unknown[])[index]])),
  );
}
const total = (rows: readonly Record<string, unknown>[], name: string): number =>
  rows.reduce((sum, row) => sum + Number(row[name]), 0);

const effective = async ({ receiptId }: Receipt): Promise<unknown> =>
  (
    await store.query('SELECT toString(effective_usd) FROM nextmodel.receipts_effective WHERE receipt_id = {r:UUID}', {
      r: receiptId,
    })
  ).rows[0];

describe('the audits', () => {
  it('name every receipt whose cost is not that of its attempts, and no other', async () => {
    const found = (await audit('recompute-costs')).filter(({ what }) => what === 'receipt');

    expect(found.map(({ receipt_id }) => receipt_id).toSorted()).toEqual(wrong.map((one) => one.receiptId).toSorted());
    const of = (receipt: Receipt | undefined) => found.find((one) => one['receipt_id'] === receipt?.receiptId);
    expect(of(wrong[0])).toMatchObject({ recomputed: '0', recorded: '0.5' });
    expect(of(wrong[1])).toMatchObject({ recomputed: null, recorded: '0.5' });
    expect(of(wrong[2])).toMatchObject({ recomputed: '0.7', recorded: null });
  });

  it('take a price from the seal or a re-rating; another correction alone sets none', async () => {
    expect(await effective(unpriced)).toEqual([null]);
    expect(await effective(corrected)).toEqual([null]);
    expect(await effective(rerated)).toEqual(['0.250000001']);
    expect(await effective(both)).toEqual(['0.999999999']);
  });

  it('agree with the view on spend and on what has no price', async () => {
    const { rows } = await store.query(
      `SELECT toFloat64(sum(spend_usd)), sum(unpriced_requests), sum(unknown_waste_requests), sum(unknown_avoided_requests)
       FROM nextmodel.spend_by_key_day`,
      {},
    );
    const [spend, without, waste, avoided] = (rows[0] as unknown[]).map(Number);

    expect([without, waste, avoided]).toEqual([5, 1, 1]);
    expect(spend).toBeCloseTo(3.25, 9);
    for (const name of ['daily-spend', 'top-keys', 'spend-by-model', 'chargeback', 'cumulative-spend']) {
      const found = await audit(name);
      expect([name, total(found, 'unpriced_requests')]).toEqual([name, without]);
      expect(total(found, 'spend_usd')).toBeCloseTo(spend ?? 0, 9);
    }
    expect(total(await audit('most-expensive'), 'effective_usd')).toBeCloseTo(spend ?? 0, 9);
    expect(total(await audit('daily-spend'), 'unknown_avoided_requests')).toBe(1);
    expect(total(await audit('top-keys'), 'unknown_waste_requests')).toBe(1);
    const still = await store.query('SELECT sum(requests) FROM nextmodel.unpriced', {});
    expect(Number((still.rows[0] as unknown[])[0])).toBe(without);
  });

  it('all run', async () => {
    for (const { name } of audits) await expect(audit(name)).resolves.toBeDefined();
  });

  it('find the same mistakes in two looks as in one, also where receipts stand twice', async () => {
    const miscounted = attemptOf(crafted('700', [['700']]), { costNativePico: '700', lines: base.attempts[0]!.lines });
    const exchanged = attemptOf(crafted('700', [['700']]), { costNativePico: '701', lines: [] });
    const hidden = crafted('1000000000000', [[HALF]]);
    const again = [
      ...all,
      // the first place of a receipt counts: what stands in a later one must neither be found nor hide a mistake
      attemptOf(right[1]!, { costNativePico: '1' }),
      { ...right[1]!, costPicoUsd: '1' },
      { ...wrong[0]!, costPicoUsd: '0' },
      { ...hidden, costPicoUsd: '0' },
    ];
    const insert = (partition: number, receipts: readonly Receipt[]) =>
      store.insert({
        partition,
        firstOffset: 100n,
        lastOffset: BigInt(99 + receipts.length),
        adjustments: [],
        receipts: receipts.map((receipt, at) => ({
          receipt,
          place: { logId: `log/${partition}`, partition, offset: BigInt(100 + at) },
        })),
      });
    await insert(0, [miscounted, exchanged, hidden]);
    for (const [at, receipt] of again.entries()) await insert(10 + at, [receipt]);

    const inOneLook = readFileSync(new URL('../__fixtures__/recompute-costs-in-one-look.sql', import.meta.url), 'utf8');
    const parameters = { days: '30', limit: '1000' };
    const expected = (await store.query(inOneLook, parameters)).rows.map(String).toSorted();
    const found = (await runAudit(store, audits, 'recompute-costs', parameters)).rows.map(String).toSorted();

    expect((await store.query('SELECT count() > uniqExact(receipt_id) FROM nextmodel.receipts', {})).rows).toEqual([
      [1],
    ]);
    expect(expected.length).toBeGreaterThanOrEqual(wrong.length + 3);
    expect(found).toEqual(expected);
  });

  it('keep unknown waste and savings unknown on the way back', async () => {
    const [waste, saved] = [right[3]!, right[4]!];

    expect((await store.find(waste.tenantId, waste.receiptId))?.wastedPicoUsd).toBeNull();
    expect((await store.find(saved.tenantId, saved.receiptId))?.avoidedPicoUsd).toBeNull();
  });
});

describe('the migration', () => {
  it('brings tables of version 1 to the present one, keeps their rows, and may run again', async () => {
    const client = createClient({ ...writer });
    for (const query of schemaStatements('older')) {
      const first = query
        .replace(/(wasted_usd|avoided_usd) Nullable\(Decimal64\(12\)\)/g, '$1 Decimal64(12)')
        .replace(/^ *(client_retry_count|session_id) .*\n/gm, '')
        .replace(`(version) VALUES (${SCHEMA_VERSION})`, '(version) VALUES (1)');
      await client.command({ query: first });
    }
    await client.command({ query: "INSERT INTO older.receipts (tenant_id, ts, wasted_usd) VALUES ('a', now(), 0.5)" });
    const older = new ClickhouseReceiptStore({ ...writer, database: 'older' });

    await older.migrate();
    await older.migrate();

    const shown = await older.query(
      "SELECT DISTINCT type FROM system.columns WHERE database = 'older' AND table = 'receipts' AND name IN ('wasted_usd', 'avoided_usd')",
      {},
    );
    expect(shown.rows).toEqual([['Nullable(Decimal(18, 12))']]);
    expect((await older.query('SELECT toString(wasted_usd) FROM older.receipts', {})).rows).toEqual([['0.5']]);
    expect((await older.query('SELECT client_retry_count, session_id FROM older.receipts_effective', {})).rows).toEqual(
      [[null, '']],
    );
    expect((await older.query('SELECT max(version) FROM older.schema_version', {})).rows).toEqual([[SCHEMA_VERSION]]);
    await older.close();
    await client.close();
  });
});
