// node tools/reliability/overload.mjs [--seconds 5] [--goodput-min 0.8] [--refusal-p99-ms 50] [--connections 4096]
// More arrivals than one gateway can serve: what is still served within a second, and how fast is a refusal? The peak comes from a
// closed loop over 32 connections; then arrivals come at 1, 1.5 and 3 times that rate. The gateway has core 0, the load
// and the provider core 1, where there is taskset. Exit 1 when the goodput at 1.5 × is below --goodput-min of the peak,
// refusals there are slower than --refusal-p99-ms, one has no retry-after, or anything ended otherwise. Needs `npm run build`.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    'goodput-min': { type: 'string', default: '0.8' },
    'refusal-p99-ms': { type: 'string', default: '50' },
    connections: { type: 'string', default: '4096' },
  },
});
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const KEY = 'nm_overload_0123456789abcdef0123456789abcdef';
const PEAK_CONNECTIONS = 32;
const PEAK_SECONDS = 3;
const RATES = [1, 1.5, 3];
const JUDGED = 1.5;
const READY_MS = 30_000;
const pinned = os.cpus().length >= 2 && hasTaskset();
const body = JSON.stringify({
  model: 'bench',
  temperature: 0.7,
  messages: [{ role: 'user', content: 'Explain in plain words what an event log is. '.repeat(20) }],
});
const children = [];
const directory = mkdtempSync(path.join(os.tmpdir(), 'nextmodel-overload-'));
let code = 1;
try {
  code = await measure();
} finally {
  for (const child of children) child.kill('SIGKILL');
  await sleep(200);
  rmSync(directory, { recursive: true, force: true });
}
process.exit(code);

async function measure() {
  const upstream = start(1, [path.join(root, 'bench/mock-upstream.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const upstreamPort = Number(String(await new Promise((resolve) => upstream.stdout.once('data', resolve))));
  const { child: gateway, port } = await startGateway(upstreamPort);
  const load = (over) => runClient({ port, headers: { authorization: `Bearer ${KEY}` }, body, ...over });

  await load({ connections: PEAK_CONNECTIONS, seconds: 1 });
  const peak = await load({ connections: PEAK_CONNECTIONS, seconds: PEAK_SECONDS });
  const cpu = os.loadavg().map((each) => each.toFixed(2));
  console.log(`peak ${peak.goodPerSecond}/s, pinned ${pinned}, load average ${cpu.join(' ')}`);
  const rows = [];
  for (const rate of RATES) {
    const perSecond = Math.round(peak.goodPerSecond * rate);
    const result = await load({
      connections: Number(options.connections),
      seconds: Number(options.seconds),
      perSecond,
    });
    rows.push({ rate, share: result.goodPerSecond / peak.goodPerSecond, rssMb: rssMb(gateway.pid), ...result });
    await sleep(1_000);
  }
  console.table(
    rows.map((row) => ({
      rate: `${row.rate} ×`,
      'offered/s': row.offeredPerSecond,
      'goodput/s': row.goodPerSecond,
      '% of peak': Math.round(row.share * 100),
      'accepted p50/p99 ms': `${row.acceptedMs.p50} / ${row.acceptedMs.p99}`,
      'refused p50/p99/max ms': `${row.refusedMs.p50} / ${row.refusedMs.p99} / ${row.refusedMs.max}`,
      'refused, with retry-after': `${row.refused}, ${row.withRetryAfter}`,
      errors: row.errors,
      'RSS MB': row.rssMb,
    })),
  );
  const judged = rows.find(({ rate }) => rate === JUDGED);
  const problems = [
    gateway.exitCode !== null && 'the gateway ended',
    !(judged.share >= Number(options['goodput-min'])) &&
      `goodput at ${JUDGED} × is ${Math.round(judged.share * 100)} % of the peak`,
    judged.refused > 0 &&
      judged.refusedMs.p99 >= Number(options['refusal-p99-ms']) &&
      `refusals at ${JUDGED} × take ${judged.refusedMs.p99} ms (p99)`,
    rows.some((row) => row.withRetryAfter !== row.refused) && 'refusals without retry-after',
    rows.some((row) => row.errors > 0) && 'answers other than 200, 429 and 503',
  ].filter(Boolean);
  for (const problem of problems) console.log(`PROBLEM: ${problem}`);
  return problems.length > 0 ? 1 : 0;
}

function start(core, words, spawnOptions) {
  const [command, all] = pinned
    ? ['taskset', ['-c', String(core), process.execPath, ...words]]
    : [process.execPath, words];
  const child = spawn(command, all, spawnOptions);
  children.push(child);
  return child;
}

/** The gateway process alone, so that the figures are its own. */
async function startGateway(upstreamPort) {
  const port = await freePort();
  writeFileSync(
    path.join(directory, 'prices.yaml'),
    '- { provider: mock, model: bench, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 1, output_text: 2 } }\n',
  );
  const configuration = path.join(directory, 'nextmodel.yaml');
  writeFileSync(
    configuration,
    `
providers: { mock: { kind: openai-compatible, base_url: "http://127.0.0.1:${upstreamPort}/v1", api_key: none } }
models: { bench: { targets: [ { provider: mock, model: bench } ] } }
cache: { exact: false, semantic: { enabled: false } }
prices: { files: [ ./prices.yaml ] }
`,
  );
  const env = {
    ...process.env,
    NEXTMODEL_CONFIG: configuration,
    NEXTMODEL_DATA_DIR: path.join(directory, 'data'),
    NEXTMODEL_PORT: String(port),
    NEXTMODEL_API_KEY: KEY,
    NEXTMODEL_ADMIN_TOKEN: 'admin-0123456789abcdef0123456789abcdef',
    NEXTMODEL_LOG_LEVEL: 'error',
  };
  const child = start(0, ['--max-semi-space-size=8', path.join(root, 'dist/apps/gateway/src/main.js')], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const untilMs = performance.now() + READY_MS; performance.now() < untilMs; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (response?.ok === true) return { child, port };
  }
  throw new Error('the gateway did not become ready');
}

async function runClient(order) {
  const child = start(1, [path.join(here, 'open-loop-client.mjs'), JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return JSON.parse(text);
}

function rssMb(pid) {
  if (process.platform !== 'linux') return null;
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function hasTaskset() {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
