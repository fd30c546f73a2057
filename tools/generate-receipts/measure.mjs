// node tools/generate-receipts/measure.mjs [count] [--folder <kept>] [--rounds n] [--base n] [--build-only]
// `count` receipts (default 10,000,000) over 90 days in the embedded engine: the first million (--base) goes through the
// product's own store, the others are copies of it that the engine makes, later in time and with fresh ids and hashes. Then every
// audit, as the read-only user, and point look-ups; one table and the bytes per receipt. With --folder the tables are
// kept there, and a folder that has them already is only measured. Needs a build. Exit 1 when an audit of mistakes
// finds one.
import '../typescript-hooks.mjs';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '@clickhouse/client';
import { RECEIPT_TABLES, TABLE_COLUMNS } from '#receipts/domain/receipt-columns.js';
import { openClickhouseStore, readAudits, startSqlEngine } from '#receipts/receipts.module.js';
import { runAudit } from '#receipts/usecases/run-audit.js';

const { cpuSeconds } = await import('../reliability/process-cpu.ts');
const { generateReceipts } = await import('../../libs/receipts/src/__fixtures__/generated-receipts.ts');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    base: { type: 'string', default: '1000000' },
    'build-only': { type: 'boolean' },
  },
});
const count = Number(positionals[0] ?? 10_000_000);
const rounds = Number(values.rounds);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'measure-receipts-'));
const progress = join(folder, 'built.json');
const DAYS = 90;
const BATCH = 10_000;
const BASE = Math.min(count, Number(values.base));
const COPIES = Math.ceil(count / BASE) - 1;
const LOOK_UPS = 200;
const SPAN_MS = Math.round((DAYS * 86_400_000) / (COPIES + 1));
const ms = (from) => performance.now() - from;
const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

const engine = await startSqlEngine({
  dataDir: join(folder, 'clickhouse'),
  port: 0,
  host: '127.0.0.1',
  auditPassword: 'look',
  ingestPassword: 'write',
});
await engine.ready;
const store = openClickhouseStore({ url: engine.url, username: 'ingest', password: 'write' });
const client = createClient({ url: engine.url, username: 'ingest', password: 'write', request_timeout: 600_000 });
const reader = openClickhouseStore({ url: engine.url, username: 'audit', password: 'look' });
try {
  await store.migrate();
  if (!existsSync(progress)) writeFileSync(progress, JSON.stringify({ offsets: String(await build()), copies: 0 }));
  const { offsets, copies } = JSON.parse(readFileSync(progress, 'utf8'));
  for (let copy = copies + 1; copy <= COPIES; copy += 1) {
    await copyBase(copy, BigInt(offsets));
    writeFileSync(progress, JSON.stringify({ offsets, copies: copy }));
  }
  await settle();
  if (values['build-only'] !== true) {
    print([...(await timeAudits()), ...(await timeLookUps())]);
    await printSizes();
  }
} finally {
  await Promise.all([store.close(), reader.close(), client.close()]);
  await engine.stop();
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

/**
 * The first days: receipts with corrections (1 in 100) and repeats (1 in 1,000). While a batch is stored the
 * next one is made.
 */
async function build() {
  const from = performance.now();
  const cpuFrom = [process.cpuUsage(), cpuSeconds(engine.pid)];
  const endMs = Date.now() - COPIES * SPAN_MS;
  let offset = 0n;
  let batch = null;
  let storing = Promise.resolve();
  let n = 0;
  const place = () => {
    const at = { logId: 'nextmodel.receipts/0', partition: 0, offset };
    offset += 1n;
    return at;
  };
  const flush = async () => {
    const full = { ...batch, partition: 0, lastOffset: offset - 1n };
    batch = null;
    await storing;
    storing = store.insert(full);
    storing.catch(() => {});
  };
  for (const receipt of generateReceipts({ seed: 1, count: BASE, endMs, days: DAYS / (COPIES + 1), varied: true })) {
    batch ??= { firstOffset: offset, receipts: [], adjustments: [], skipped: [] };
    batch.receipts.push({ receipt, place: place() });
    n += 1;
    const { receiptId, tenantId, sealedAt } = receipt;
    if (n % 100 === 0) {
      const late = { reason: n % 200 === 0 ? 'rerated' : 'late_usage', evidence: `{"invoice":"in_${n}"}` };
      const adjustment = {
        receiptId,
        tenantId,
        seq: 1,
        adjustedAt: sealedAt,
        deltaPicoUsd: String(n % 9_973),
        ...late,
      };
      batch.adjustments.push({ adjustment, place: place() });
    }
    if (n % 1_000 === 0) {
      batch.skipped.push({ kind: 'duplicate', receiptId, reason: 'sealed before', place: place() });
    }
    if (batch.receipts.length === BATCH) {
      await flush();
      if (n % 100_000 === 0) process.stderr.write(`\r${n.toLocaleString('en')} of ${BASE.toLocaleString('en')} `);
    }
  }
  if (batch !== null) await flush();
  await storing;
  const tookMs = ms(from);
  const { user, system } = process.cpuUsage(cpuFrom[0]);
  const engineUs = ((cpuSeconds(engine.pid) - cpuFrom[1]) * 1e6) / BASE;
  process.stderr.write('\r');
  console.log(
    `${BASE} receipts through the store in ${(tookMs / 1_000).toFixed(1)} s, ${Math.round((BASE / tookMs) * 1_000)} ` +
      `a second; CPU us each: generator and client ${((user + system) / BASE).toFixed(1)}, engine ${engineUs.toFixed(1)}`,
  );
  return offset;
}

function text(column, made) {
  return `if(${column} = '', '', ${made})`;
}

function part(source, at, length) {
  return `substring(${source}, ${at}, ${length})`;
}

/** The base once more, `copy` spans later. Amounts stay, so that every sum does; what is random is made anew. */
async function copyBase(copy, offsets) {
  const from = performance.now();
  const shift = copy * SPAN_MS;
  const moved = `+ ${BigInt(copy) * offsets}`;
  const fresh = (column, hash) => `${hash}(concat(${column}, '${copy}'))`;
  const id = (column) => {
    const time = `lower(hex(toUInt64(toUnixTimestamp64Milli(UUIDv7ToDateTime(${column})) + ${shift})))`;
    const rest = `lower(hex(MD5(concat(toString(${column}), '${copy}'))))`;
    return `toUUID(concat(${part(time, 1, 8)}, '-', ${part(time, 9, 4)}, '-7', ${part(rest, 1, 3)}, '-8', ${part(rest, 4, 3)}, '-', ${part(rest, 7, 12)}))`;
  };
  const nothing = "toFixedString('', 32)";
  const expressions = {
    ts: `addMilliseconds(ts, ${shift})`,
    sealed_at: `addMilliseconds(sealed_at, ${shift})`,
    started_at: `addMilliseconds(started_at, ${shift})`,
    receipt_id: id('receipt_id'),
    cache_source: `if(cache_source = toUUID('00000000-0000-0000-0000-000000000000'), cache_source, ${id('cache_source')})`,
    user_id: text('user_id', `lower(hex(${fresh('user_id', 'MD5')}))`),
    provider_request_id: text(
      'provider_request_id',
      `concat('req_', lower(hex(sipHash64(provider_request_id, ${copy}))))`,
    ),
    trace_id: fresh('trace_id', 'MD5'),
    req_commit: fresh('req_commit', 'SHA256'),
    resp_commit: `if(resp_commit = ${nothing}, resp_commit, ${fresh('resp_commit', 'SHA256')})`,
    log_index: `log_index ${moved}`,
    k_offset: `k_offset ${moved}`,
  };
  for (const table of RECEIPT_TABLES) {
    const columns = TABLE_COLUMNS[table];
    const of = columns.map((column) =>
      table === 'adjustments' && column === 'evidence' ? column : (expressions[column] ?? column),
    );
    await client.command({
      query: `INSERT INTO nextmodel.${table} (${columns.join(', ')})
        SELECT ${of.map((expression, at) => `${expression} AS c${at}`).join(', ')}
        FROM nextmodel.${table} WHERE k_offset < ${offsets}`,
      clickhouse_settings: {
        max_insert_threads: '2',
        max_insert_block_size: '200000',
        min_insert_block_size_rows: '200000',
      },
    });
  }
  console.log(`copy ${copy} of ${COPIES} in ${(ms(from) / 1_000).toFixed(1)} s`);
}

/** Waits for the merges that the engine does by itself, at most ten minutes. */
async function settle() {
  const from = performance.now();
  for (let quiet = 0; quiet < 3 && ms(from) < 600_000;) {
    const { rows } = await store.query('SELECT count() FROM system.merges', {});
    quiet = Number(rows[0][0]) === 0 ? quiet + 1 : 0;
    await sleep(500);
  }
}

async function timeAudits() {
  const rows = [];
  for (const audit of readAudits()) {
    const times = [];
    const cpu = [];
    let found = 0;
    for (let i = 0; i < rounds; i += 1) {
      const before = cpuSeconds(engine.pid);
      const from = performance.now();
      found = (await runAudit(reader, [audit], audit.name)).rows.length;
      times.push(ms(from));
      cpu.push((cpuSeconds(engine.pid) - before) * 1_000);
    }
    rows.push([
      audit.name,
      ...[Math.min(...times), median(times), Math.max(...times), median(cpu)].map(Math.round),
      found,
    ]);
    if (audit.name.endsWith('recompute-costs') && found > 0) process.exitCode = 1;
  }
  return rows;
}

/** One at a time, over HTTP, each another receipt: what a person waits for who looks one up. */
async function timeLookUps() {
  const { rows: sample } = await store.query(
    `SELECT tenant_id, toString(receipt_id) FROM nextmodel.receipts WHERE cityHash64(receipt_id) % ${Math.ceil(count / LOOK_UPS)} = 0`,
    {},
  );
  const times = [];
  const before = cpuSeconds(engine.pid);
  for (const [tenantId, receiptId] of sample) {
    const from = performance.now();
    const found = await reader.find(tenantId, receiptId);
    times.push(ms(from));
    if (found?.receiptId !== receiptId) throw new Error(`${receiptId} was not found`);
  }
  const cpu = ((cpuSeconds(engine.pid) - before) * 1_000) / sample.length;
  const numbers = [Math.min(...times), median(times), Math.max(...times), cpu].map((value) => value.toFixed(1));
  return [['look-up by id, attempts too', ...numbers, sample.length]];
}

function print(rows) {
  const heads = ['what', 'best ms', 'median ms', 'worst ms', 'CPU ms', 'rows'];
  const texts = [heads, ...rows.map((row) => row.map(String))];
  const widths = heads.map((_, at) => Math.max(...texts.map((row) => row[at].length)));
  for (const row of texts) {
    console.log(row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '));
  }
}

async function printSizes() {
  const built = BASE * (COPIES + 1);
  const { rows } = await store.query(
    `SELECT table, toString(sum(rows)), toString(count()), toString(sum(bytes_on_disk)) FROM system.parts
     WHERE active AND database = 'nextmodel' GROUP BY table ORDER BY table`,
    {},
  );
  let total = 0;
  for (const [table, tableRows, parts, bytes] of rows) {
    total += Number(bytes);
    console.log(`${table}: ${tableRows} rows, ${parts} parts, ${(Number(bytes) / built).toFixed(1)} bytes per receipt`);
  }
  console.log(`${(total / built).toFixed(1)} bytes per receipt in all`);
}
