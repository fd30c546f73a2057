// node tools/generate-receipts/measure-ingest.mjs [count] [--profile <folder>]
// The rate of the receipt ingester as it runs in the product: its own process with its flags, from segment files into
// the embedded engine. Needs a build. Prints receipts a second, and the CPU time of ingester and engine per receipt.
import '../typescript-hooks.mjs';
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '#config/config.module.js';
import { openFileCheckpoints, openSegmentWriter } from '#event-log/event-log.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import { openClickhouseStore, startSqlEngine } from '#receipts/receipts.module.js';

const { cpuSeconds } = await import('../reliability/process-cpu.ts');
const { generateReceipts } = await import('../../libs/receipts/src/__fixtures__/generated-receipts.ts');
const count = Number(process.argv[2] ?? 200_000);
const profile = process.argv.indexOf('--profile');
const folder = mkdtempSync(join(tmpdir(), 'measure-ingest-'));
const logDirectory = join(folder, 'log');
const clickhouseDirectory = join(folder, 'clickhouse');

async function writeLog() {
  const writer = await openSegmentWriter({ directory: logDirectory, partition: 0, durability: 'fast' });
  let records = [];
  for (const receipt of generateReceipts({ seed: 1, count, endMs: Date.now(), days: 90 })) {
    const { receiptId, sealedAt } = receipt;
    records.push(encodeEvent('nextmodel.receipt.sealed.v1', `${receiptId}/sealed`, receiptId, sealedAt, receipt));
    if (records.length < 1_000) continue;
    await writer.append(records).written;
    records = [];
  }
  if (records.length > 0) await writer.append(records).durable;
  await writer.close();
}

await writeLog();
const engine = await startSqlEngine({
  dataDir: clickhouseDirectory,
  port: 0,
  host: '127.0.0.1',
  auditPassword: 'look',
  ingestPassword: 'write',
});
await engine.ready;
const sql = { url: engine.url, username: 'ingest', password: 'write' };
const store = openClickhouseStore(sql);
const loaded = loadSettings({ env: {}, cwd: folder });
// as the supervisor starts it
const flags = ['--max-semi-space-size=2', '--heap-growing-percent=100'];
const entry = fileURLToPath(new URL('../../dist/apps/receipt-ingester/src/main.js', import.meta.url));
const profiling = profile < 0 ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.argv[profile + 1]}`];
const engineBefore = cpuSeconds(engine.pid);
const began = performance.now();
const child = fork(entry, [], {
  execArgv: [...flags, ...profiling],
  env: { NODE_ENV: 'production' },
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
});
child.send({ kind: 'ingest', settings: loaded.settings, logDirectory, clickhouseDirectory, sql });
const checkpoints = openFileCheckpoints(join(clickhouseDirectory, 'checkpoints'));
const stored = async () => Number((await checkpoints.load('receipt-ingester', 'nextmodel.receipts', 0)) ?? 0);
try {
  while ((await stored()) === 0) await sleep(2);
  const [firstAt, firstCount, firstCpu] = [performance.now(), await stored(), cpuSeconds(child.pid)];
  const engineFirst = cpuSeconds(engine.pid);
  while ((await stored()) < count) await sleep(5);
  const tookMs = performance.now() - firstAt;
  const rows = count - firstCount;
  const us = (seconds) => ((seconds * 1e6) / rows).toFixed(1);
  const ingesterCpu = cpuSeconds(child.pid);
  const engineCpu = cpuSeconds(engine.pid);
  console.log(
    `start to first batch ${Math.round(firstAt - began)} ms; then ${rows} receipts in ${Math.round(tookMs)} ms:\n` +
      `${Math.round((rows / tookMs) * 1_000)} receipts/s; CPU us per receipt: ingester ${us(ingesterCpu - firstCpu)}, ` +
      `engine ${us(engineCpu - engineFirst)} (with what it does in the background)\n` +
      `one core of the ingester: ${Math.round(rows / (ingesterCpu - firstCpu))} receipts/s; ` +
      `one core for both: ${Math.round(rows / (ingesterCpu - firstCpu + engineCpu - engineFirst))} receipts/s; ` +
      `engine before the first batch ${(engineFirst - engineBefore).toFixed(2)} s`,
  );
  const sums = await store.sums();
  if (sums.receipts !== BigInt(count)) throw new Error(`${sums.receipts} receipts are stored, not ${count}`);
} finally {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
  await store.close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
}
