// npm run drill:receipts [-- count [kills]]: the receipts of a log, ingested by a consumer that is killed again and again and
// given everything twice; then dropped, replayed, computed again and audited. Needs a build. Exit 1 when a sum differs.
import './typescript-hooks.mjs';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  createLogSubscriber,
  openFileCheckpoints,
  openSegmentReader,
  openSegmentWriter,
} from '#event-log/event-log.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import { openClickhouseStore, openFileTailIntents, readAudits, startSqlEngine } from '#receipts/receipts.module.js';
import { createReceiptIngest } from '#receipts/usecases/ingest-receipts.js';
import { recomputeReceipts } from '#receipts/usecases/recompute-receipts.js';
import { replayReceipts } from '#receipts/usecases/replay-receipts.js';
import { runAudit } from '#receipts/usecases/run-audit.js';

const TOPIC = 'nextmodel.receipts';
const ingester = process.argv[2] === 'ingest';
if (ingester) await ingest(process.argv[3], process.argv[4], process.argv[5]);
else await drill(Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 12));

/** The child that is killed: log → tables, until its parent ends it. */
async function ingest(folder, url, password) {
  const reader = openSegmentReader({ directory: join(folder, 'log') });
  const store = openClickhouseStore({ url, username: 'ingest', password });
  const intents = openFileTailIntents(join(folder, 'intents'));
  const take = createReceiptIngest({ store, intents, deadLetter: async () => {} });
  const subscriber = createLogSubscriber({ reader, checkpoints: openFileCheckpoints(join(folder, 'checkpoints')) });
  const options = { group: 'drill', topics: [TOPIC], startAt: 'first', recordsMax: 5_000, lingerMs: 20 };
  await subscriber.subscribe(options, take);
}

async function drill(count, kills) {
  const folder = mkdtempSync(join(tmpdir(), 'drill-receipts-'));
  const rows = [];
  const step = async (name, work) => {
    const began = performance.now();
    const outcome = await work();
    rows.push([
      name,
      `${((performance.now() - began) / 1_000).toFixed(1)} s`,
      outcome.ok ? 'ok' : 'WRONG',
      outcome.says,
    ]);
    return outcome;
  };
  const engine = await startSqlEngine({
    dataDir: join(folder, 'clickhouse'),
    port: 0,
    host: '127.0.0.1',
    auditPassword: 'look',
    ingestPassword: 'write',
  });
  await engine.ready;
  const connection = { url: engine.url, username: 'ingest', password: 'write' };
  const store = openClickhouseStore(connection);
  const rebuilt = openClickhouseStore({ ...connection, database: 'nextmodel_drill' });
  const reader = openSegmentReader({ directory: join(folder, 'log') });
  try {
    await store.migrate();
    const expected = await step('generate', () => generate(folder, count));
    await step('ingest, killed', () => ingestWithKills(folder, engine.url, store, expected, kills));
    await step('everything again', () => redeliver(folder, engine.url, store, expected));
    await step('drop and replay', () => dropAndReplay(reader, store, rebuilt, expected));
    await step('recompute', () => recompute(reader, expected.texts));
    await step('audits', () => audits(engine.url));
  } finally {
    await Promise.allSettled([store.close(), rebuilt.close(), reader.close()]);
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const heads = ['step', 'took', 'result', ''];
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at].length)));
  for (const row of [heads, widths.map((width) => '-'.repeat(width)), ...rows]) {
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    );
  }
  process.exitCode = rows.every((row) => row[2] === 'ok') ? 0 : 1;
}

/** Receipts with repeats, corrections and records that nobody can read between them. */
async function generate(folder, count) {
  const { GENERATED_PRICES, generateReceipts } =
    await import('../libs/receipts/src/__fixtures__/generated-receipts.ts');
  const writer = await openSegmentWriter({ directory: join(folder, 'log'), partition: 0, durability: 'fast' });
  const sums = { receipts: 0, attempts: 0, adjustments: 0, pico: 0n };
  let records = [];
  let n = 0;
  for (const receipt of generateReceipts({ seed: 1, count, endMs: Date.now(), days: 30 })) {
    const { receiptId, tenantId, sealedAt } = receipt;
    const sealed = encodeEvent('nextmodel.receipt.sealed.v1', `${receiptId}/sealed`, receiptId, sealedAt, receipt);
    records.push(sealed);
    sums.receipts += 1;
    sums.attempts += receipt.attempts.length;
    sums.pico += BigInt(receipt.costPicoUsd ?? '0');
    n += 1;
    if (n % 50 === 0) records.push(sealed);
    if (n % 100 === 0) {
      const data = {
        receiptId,
        tenantId,
        seq: 1,
        adjustedAt: sealedAt,
        deltaPicoUsd: '7',
        reason: 'drill',
        evidence: '',
      };
      records.push(encodeEvent('nextmodel.receipt.adjusted.v1', `${receiptId}/adjusted/1`, receiptId, sealedAt, data));
      sums.adjustments += 1;
    }
    if (n % 10_000 === 0) records.push({ ...sealed, value: '{"receiptId":' });
    if (records.length >= 1_000) {
      await writer.append(records).written;
      records = [];
    }
  }
  if (records.length > 0) await writer.append(records).durable;
  await writer.close();
  const texts = new Map(GENERATED_PRICES.map((text) => [createHash('sha256').update(text).digest('hex'), text]));
  return { ok: true, says: `${count} receipts, ${sums.attempts} attempts, with repeats and poison`, sums, texts };
}

function startIngester(folder, url) {
  mkdirSync(join(folder, 'intents'), { recursive: true });
  const self = fileURLToPath(import.meta.url);
  return spawn(process.execPath, [self, 'ingest', folder, url, 'write'], { stdio: ['ignore', 'inherit', 'inherit'] });
}

async function ended(child, signal) {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

async function ingestWithKills(folder, url, store, expected, kills) {
  for (let killed = 0; killed < kills; killed += 1) {
    const child = startIngester(folder, url);
    await sleep(400 + Math.random() * 900);
    await ended(child, 'SIGKILL');
  }
  return toTheEnd(folder, url, store, expected);
}

async function redeliver(folder, url, store, expected) {
  rmSync(join(folder, 'checkpoints'), { recursive: true, force: true });
  rmSync(join(folder, 'intents'), { recursive: true, force: true });
  const child = startIngester(folder, url);
  await sleep(1_500);
  await ended(child, 'SIGKILL');
  return toTheEnd(folder, url, store, expected);
}

async function toTheEnd(folder, url, store, expected) {
  const reader = openSegmentReader({ directory: join(folder, 'log') });
  const { head } = await reader.bounds(TOPIC, 0);
  await reader.close();
  const child = startIngester(folder, url);
  const checkpoints = openFileCheckpoints(join(folder, 'checkpoints'));
  const until = Date.now() + 600_000;
  while ((await checkpoints.load('drill', TOPIC, 0)) !== head && Date.now() < until) await sleep(200);
  await ended(child, 'SIGTERM');
  return compare(await store.sums(), expected.sums);
}

function compare(found, { receipts, attempts, adjustments, pico }) {
  const is = [found.receipts, found.attempts, found.adjustments, toPico(found.costUsd)];
  const ok = String(is) === String([receipts, attempts, adjustments, pico]);
  return {
    ok,
    says: ok
      ? `sums agree: ${found.receipts} receipts, ${found.costUsd} USD`
      : `found ${is}, not ${[receipts, attempts, adjustments, pico]}`,
  };
}

function toPico(text) {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}

async function dropAndReplay(reader, store, rebuilt, expected) {
  await store.dropDatabase();
  await store.migrate();
  const { matches, dead } = await replayReceipts({ reader, live: store, rebuilt });
  const outcome = compare(await store.sums(), expected.sums);
  return { ok: matches && outcome.ok, says: `${outcome.says}; ${dead} unreadable put aside` };
}

async function recompute(reader, texts) {
  const window = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const result = await recomputeReceipts(reader, window, (hash) => texts.get(hash) ?? null);
  return { ok: result.mismatches === 0, says: `${result.priced} priced attempts, ${result.mismatches} mismatches` };
}

async function audits(url) {
  const store = openClickhouseStore({ url, username: 'audit', password: 'look' });
  try {
    const all = await readAudits();
    let slowest = ['', 0];
    let mistakes = 0;
    for (const audit of all) {
      const began = performance.now();
      const { rows } = await runAudit(store, [audit], audit.name);
      const ms = performance.now() - began;
      if (ms > slowest[1]) slowest = [audit.name, ms];
      if (audit.name.endsWith('recompute-costs')) mistakes += rows.length;
    }
    return { ok: mistakes === 0, says: `${all.length} audits, slowest ${slowest[0]} ${Math.round(slowest[1])} ms` };
  } finally {
    await store.close();
  }
}
