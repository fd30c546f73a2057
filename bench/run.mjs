// Added latency, requests a second, CPU a request and memory, receipts on, in alternating rounds with a direct run and,
// with --baseline <folder of another build>, with that build. Everything on the loopback, bounded in time.
//   npm run bench [-- --rounds 3 --seconds 3 --durability strict --baseline ../other]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const argument = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const rounds = Number(argument('rounds', 3));
const seconds = Number(argument('seconds', 3));
const durability = argument('durability', 'strict');
const baseline = argument('baseline', null);
const KEY = 'nm_bench_0123456789abcdef0123456789abcdef';
const pinned = os.cpus().length >= 2 && spawnable('taskset');
const prompt = 'Explain in plain words what an event log is and why one would want it. '.repeat(13);
const bodyOf = (stream) =>
  JSON.stringify({
    model: 'bench',
    temperature: 0.7,
    ...(stream ? { stream: true } : {}),
    messages: [{ role: 'user', content: prompt }],
  });

function spawnable(command) {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const on = (core, command, words) => (pinned ? ['taskset', ['-c', String(core), command, ...words]] : [command, words]);
const freePort = () =>
  new Promise((resolve) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function startMock(chunks, gapMs) {
  const [command, words] = on(1, process.execPath, [
    path.join(here, 'mock-upstream.mjs'),
    String(chunks),
    String(gapMs),
  ]);
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(String(await new Promise((resolve) => child.stdout.once('data', resolve))));
  return { child, port };
}

async function startGateway(root, upstreamPort) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'nextmodel-bench-'));
  const port = await freePort();
  writeFileSync(
    path.join(dir, 'prices.yaml'),
    '- { provider: mock, model: bench, currency: USD, valid_from: 2026-01-01, usd_per_million: { input_uncached: 1, output_text: 2 } }\n',
  );
  writeFileSync(
    path.join(dir, 'nextmodel.yaml'),
    `
providers: { mock: { kind: openai-compatible, base_url: "http://127.0.0.1:${upstreamPort}/v1", api_key: none } }
models: { bench: { targets: [ { provider: mock, model: bench } ] } }
cache: { exact: false, semantic: { enabled: false } }
prices: { files: [ ./prices.yaml ] }
`,
  );
  const env = {
    ...process.env,
    NEXTMODEL_CONFIG: path.join(dir, 'nextmodel.yaml'),
    NEXTMODEL_DATA_DIR: path.join(dir, 'data'),
    NEXTMODEL_PORT: String(port),
    NEXTMODEL_API_KEY: KEY,
    NEXTMODEL_ADMIN_TOKEN: 'admin-0123456789abcdef0123456789abcdef',
    NEXTMODEL_DURABILITY: durability,
    NEXTMODEL_LOG_LEVEL: 'error',
  };
  // The gateway process alone: no SQL engine and no ingester beside it, so that the figures are its own.
  const [command, words] = on(0, process.execPath, [
    '--max-semi-space-size=8',
    path.join(root, 'dist/apps/gateway/src/main.js'),
  ]);
  const startedMs = performance.now();
  const child = spawn(command, words, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
    if (
      await fetch(`http://127.0.0.1:${port}/readyz`).then(
        (r) => r.ok,
        () => false,
      )
    )
      break;
    await sleep(20);
  }
  return { child, port, dir, readyMs: Math.round(performance.now() - startedMs) };
}

const cpuSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const rssMb = (pid) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);

async function load(port, over) {
  const order = {
    port,
    path: '/v1/chat/completions',
    headers: { authorization: `Bearer ${KEY}` },
    connections: 1,
    seconds,
    warmupSeconds: 0.5,
    stream: false,
    body: bodyOf(over.stream ?? false),
    ...over,
  };
  const [command, words] = on(1, process.execPath, [path.join(here, 'load-client.mjs'), JSON.stringify(order)]);
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  await new Promise((resolve) => child.on('exit', resolve));
  return JSON.parse(out);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const results = new Map();
const note = (name, scenario, result) => {
  const key = `${scenario}|${name}`;
  results.set(key, [...(results.get(key) ?? []), result]);
};

const builds = [
  { name: 'this', root: path.join(here, '..') },
  ...(baseline === null ? [] : [{ name: 'baseline', root: path.resolve(baseline) }]),
];
const json = await startMock(50, 10);
const gateways = [];
const children = [json.child];
try {
  for (const build of builds) gateways.push({ ...build, ...(await startGateway(build.root, json.port)) });
  children.push(...gateways.map((gateway) => gateway.child));
  for (const gateway of gateways) await load(gateway.port, { connections: 32, seconds: 2 });
  const scenarios = [
    ['1 connection', { connections: 1 }],
    ['32 connections', { connections: 32 }],
    ['128 streams', { connections: 128, stream: true, seconds: Math.max(seconds, 4) }],
  ];
  for (let round = 0; round < rounds; round += 1) {
    for (const [scenario, over] of scenarios) {
      note('direct', scenario, await load(json.port, over));
      for (const gateway of gateways) {
        const before = cpuSeconds(gateway.child.pid);
        const result = await load(gateway.port, over);
        const used = cpuSeconds(gateway.child.pid) - before;
        const share = (over.seconds ?? seconds) / ((over.seconds ?? seconds) + 0.5);
        note(gateway.name, scenario, {
          ...result,
          cpuUs: Math.round((used * share * 1e6) / Math.max(1, result.requests)),
          rssMb: rssMb(gateway.child.pid),
        });
      }
      process.stderr.write(`round ${round + 1} of ${rounds}: ${scenario}\n`);
    }
  }
  console.log(
    `\n${rounds} rounds, ${seconds} s each, durability ${durability}, receipts on${pinned ? ', gateway on one core, client and upstream on another' : ''}; medians.\n`,
  );
  for (const [scenario] of scenarios) {
    const direct = results.get(`${scenario}|direct`);
    for (const name of ['direct', ...builds.map((build) => build.name)]) {
      const rows = results.get(`${scenario}|${name}`);
      const of = (field) => median(rows.map((row) => row[field] ?? 0));
      const added = (field) =>
        name === 'direct' ? '' : ` (added ${of(field) - median(direct.map((row) => row[field] ?? 0))})`;
      const parts = scenario.includes('streams')
        ? [
            `TTFT p50 ${of('ttftP50Us')}${added('ttftP50Us')} p99 ${of('ttftP99Us')} µs`,
            `chunk transit p50 ${of('transitP50Us')} p99 ${of('transitP99Us')} µs`,
            `worst gap ${of('worstGapMs')} ms`,
            `${of('requests')} streams`,
          ]
        : [
            `${of('perSecond')} req/s`,
            `p50 ${of('p50Us')}${added('p50Us')} µs`,
            `p99 ${of('p99Us')}${added('p99Us')} µs`,
          ];
      if (name !== 'direct') parts.push(`CPU ${of('cpuUs')} µs/req`, `RSS ${of('rssMb')} MB`);
      const errors = rows.reduce((sum, row) => sum + row.errors, 0);
      console.log(
        `${scenario.padEnd(15)} ${name.padEnd(9)} ${parts.join(', ')}${errors > 0 ? `, ${errors} ERRORS` : ''}`,
      );
    }
  }
  for (const gateway of gateways) console.log(`${gateway.name}: start to ready ${gateway.readyMs} ms`);
} finally {
  for (const child of children) child.kill('SIGTERM');
  await sleep(500);
  for (const gateway of gateways) rmSync(gateway.dir, { recursive: true, force: true });
}
