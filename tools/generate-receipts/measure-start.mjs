// node tools/generate-receipts/measure-start.mjs [count] [--cursor]
// How long `nextmodel start` takes over a log with `count` requests (default 100,000; five events each) that no view has
// seen: until requests are taken, until it says that it is ready, until all receipts are in SQL. Without --cursor as if
// the recovery cursor were lost too, so that every request is looked at again. Needs a build.
import '../typescript-hooks.mjs';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openFileCheckpoints, openSegmentWriter } from '#event-log/event-log.module.js';
import { encodeEvent } from '#events/domain/event-codec.js';

const { cpuSeconds } = await import('../reliability/process-cpu.ts');
const { freePort } = await import('../reliability/free-port.ts');
const { generateReceipts } = await import('../../libs/receipts/src/__fixtures__/generated-receipts.ts');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { cursor: { type: 'boolean' } } });
const count = Number(positionals[0] ?? 100_000);
const folder = mkdtempSync(join(tmpdir(), 'measure-start-'));
const logDirectory = join(folder, 'log');

const pick = (from, names) => Object.fromEntries(names.split(' ').map((name) => [name, from[name]]));
const ACCEPTED =
  'receiptId tenantId projectId apiKeyId userId traceId environment tags acceptedAt api streamed requestedModel requestCommitment cache route';

/** The events of a request, in the order of the gateway. */
function eventsOf(receipt) {
  const { receiptId, acceptedAt, sealedAt, attempts } = receipt;
  const targets = attempts.map(({ provider, model }) => ({
    provider,
    model,
    reason: 'declared',
    weight: 1,
    score: 0.5,
  }));
  const event = (type, id, at, data) => encodeEvent(`nextmodel.${type}.v1`, id, receiptId, at, data);
  return [
    event('request.accepted', `${receiptId}/accepted`, acceptedAt, {
      ...pick(receipt, ACCEPTED),
      decision: { strategy: 'order', targets },
    }),
    ...attempts.map((attempt) =>
      event('attempt.started', `${receiptId}:${attempt.n}/started`, attempt.startedAt, {
        receiptId,
        ...pick(attempt, 'n kind provider model credentialId startedAt'),
      }),
    ),
    ...attempts.map((attempt) =>
      event('attempt.finished', `${receiptId}:${attempt.n}/finished`, sealedAt, { ...attempt, receiptId }),
    ),
    event(
      'response.completed',
      `${receiptId}/completed`,
      sealedAt,
      pick(receipt, 'receiptId status httpStatus finishReason streamComplete latencyMs responseCommitment'),
    ),
    event('receipt.sealed', `${receiptId}/sealed`, sealedAt, receipt),
  ];
}

async function writeLog() {
  const writer = await openSegmentWriter({ directory: logDirectory, partition: 0, durability: 'fast' });
  const heads = new Map();
  let records = [];
  for (const receipt of generateReceipts({ seed: 1, count, endMs: Date.now() - 10_000, days: 1, varied: true })) {
    for (const record of eventsOf(receipt)) {
      heads.set(record.topic, (heads.get(record.topic) ?? 0) + 1);
      records.push(record);
    }
    if (records.length < 1_000) continue;
    await writer.append(records).written;
    records = [];
  }
  if (records.length > 0) await writer.append(records).durable;
  await writer.close();
  if (values.cursor !== true) return;
  const checkpoints = openFileCheckpoints(join(logDirectory, 'checkpoints'));
  for (const [topic, head] of heads) await checkpoints.save('recovery', topic, 0, BigInt(head));
}

/** CPU seconds so far of the processes below `pid`, by the end of their command. */
function cpuBelow(pid) {
  const found = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ');
      if (fields[1] !== String(pid)) continue;
      const main =
        readFileSync(`/proc/${name}/cmdline`, 'utf8')
          .split('\0')
          .find((part) => part.endsWith('.js')) ?? '?';
      found.push(`${main.split('/').slice(-3, -1).join('/')} ${cpuSeconds(name).toFixed(2)} s`);
    } catch {
      // it has ended
    }
  }
  return found.join(', ');
}

await writeLog();
const [port, sqlPort] = [await freePort(), await freePort()];
const began = performance.now();
const seconds = () => ((performance.now() - began) / 1_000).toFixed(2);
const child = spawn(process.execPath, [fileURLToPath(new URL('../../bin/nextmodel.mjs', import.meta.url)), 'start'], {
  cwd: folder,
  env: {
    PATH: process.env.PATH,
    NEXTMODEL_DATA_DIR: folder,
    NEXTMODEL_PORT: String(port),
    NEXTMODEL_SQL_PORT: String(sqlPort),
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
child.stdout.on('data', (text) => (output += text));
const ended = new Promise((resolve) => child.once('exit', resolve));
const answers = async (path) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
  return response?.status === 200;
};
try {
  const until = Date.now() + 180_000;
  while (!(await answers('/healthz')) && Date.now() < until) await sleep(10);
  console.log(`requests are taken after ${seconds()} s; CPU: ${cpuBelow(child.pid)}`);
  while (!output.includes(`:${port}/v1`) && Date.now() < until) await sleep(10);
  console.log(`it says so after ${seconds()} s; /readyz is ${(await answers('/readyz')) ? 200 : 'not 200'}`);
  const checkpoints = openFileCheckpoints(join(folder, 'clickhouse', 'checkpoints'));
  const stored = async () => Number((await checkpoints.load('receipt-ingester', 'nextmodel.receipts', 0)) ?? 0);
  while ((await stored()) < count && Date.now() < until) await sleep(20);
  console.log(`all ${await stored()} receipts are in SQL after ${seconds()} s`);
} finally {
  child.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
