import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import type { LoadResult, OverloadRow } from './judge-overload.js';
import { cpuSeconds } from './process-cpu.js';

const root = path.join(import.meta.dirname, '../..');
const KEY = 'nm_overload_0123456789abcdef0123456789abcdef';
/** Enough for the gateway never to wait for the load. */
const PEAK_CONNECTIONS = 64;
const READY_MS = 30_000;
const PAUSE_MS = 1_000;
const BODY = JSON.stringify({
  model: 'bench',
  temperature: 0.7,
  messages: [{ role: 'user', content: 'Explain in plain words what an event log is. '.repeat(20) }],
});

export interface OverloadOrder {
  /** Times the peak, in this order. */
  readonly rates: readonly number[];
  readonly secondsPerRate: number;
  /** Of the closed loop; a process that has just started is far below its peak. */
  readonly warmUpSeconds: number;
  readonly peakSeconds: number;
  /** Connections over which the arrivals come. */
  readonly connections: number;
}

/** Of the gateway's process; `NaN` where there is no /proc. */
interface MeasuredRow extends OverloadRow {
  readonly rssMb: number;
  /** Processor time per time, all threads. */
  readonly gatewayBusy: number;
}

export interface OverloadReport {
  readonly peakPerSecond: number;
  /** Whether the gateway had a core for itself. */
  readonly pinned: boolean;
  readonly rows: readonly MeasuredRow[];
}

/**
 * More arrivals than one gateway can serve: what is still served, and how fast is a refusal? The peak comes from a
 * closed loop; then arrivals come at multiples of it, whatever the gateway does. The gateway has core 0, the load and
 * the provider core 1, where there is `taskset`. Needs `npm run build`.
 */
export async function runOverload(order: OverloadOrder): Promise<OverloadReport> {
  const pinned = os.cpus().length >= 2 && hasTaskset();
  const children: ChildProcess[] = [];
  const directory = mkdtempSync(path.join(os.tmpdir(), 'nextmodel-overload-'));
  const start = (core: number, words: readonly string[], stdio: StdioOptions, env = process.env): ChildProcess => {
    const whole = pinned ? ['taskset', '-c', String(core), process.execPath, ...words] : [process.execPath, ...words];
    const child = spawn(whole[0] as string, whole.slice(1), { stdio, env });
    children.push(child);
    return child;
  };
  try {
    const upstream = start(1, [path.join(root, 'bench/mock-upstream.mjs')], ['ignore', 'pipe', 'inherit']);
    const upstreamPort = Number(String(await new Promise((done) => upstream.stdout?.once('data', done))));
    const port = await freePort();
    const gateway = start(
      0,
      ['--max-semi-space-size=8', path.join(root, 'dist/apps/gateway/src/main.js')],
      ['ignore', 'ignore', 'inherit'],
      gatewayEnvironment(directory, port, upstreamPort),
    );
    await becomesReady(gateway, port);
    const load = async (over: object): Promise<LoadResult> => {
      const words = { port, headers: { authorization: `Bearer ${KEY}` }, body: BODY, ...over };
      const client = [path.join(import.meta.dirname, 'open-loop-client.mjs'), JSON.stringify(words)];
      return JSON.parse(await textOf(start(1, client, ['ignore', 'pipe', 'inherit']))) as LoadResult;
    };
    await load({ connections: PEAK_CONNECTIONS, seconds: order.warmUpSeconds });
    const peak = await load({ connections: PEAK_CONNECTIONS, seconds: order.peakSeconds });
    const rows: MeasuredRow[] = [];
    for (const rate of order.rates) {
      const perSecond = Math.round(peak.goodPerSecond * rate);
      const cpuBefore = cpuSeconds(gateway.pid);
      const startedMs = performance.now();
      const result = await load({ connections: order.connections, seconds: order.secondsPerRate, perSecond });
      const gatewayBusy = ((cpuSeconds(gateway.pid) - cpuBefore) * 1_000) / (performance.now() - startedMs);
      rows.push({ rate, rssMb: rssMb(gateway.pid), gatewayBusy, ...result });
      await sleep(PAUSE_MS);
    }
    if (gateway.exitCode !== null) throw new Error(`the gateway ended with ${gateway.exitCode}`);
    return { peakPerSecond: peak.goodPerSecond, pinned, rows };
  } finally {
    const ended = children.map((child) => child.exitCode === null && new Promise((done) => child.once('exit', done)));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The gateway process alone, so that the figures are its own. */
function gatewayEnvironment(directory: string, port: number, upstreamPort: number): NodeJS.ProcessEnv {
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
  return {
    ...process.env,
    NEXTMODEL_CONFIG: configuration,
    NEXTMODEL_DATA_DIR: path.join(directory, 'data'),
    NEXTMODEL_PORT: String(port),
    NEXTMODEL_API_KEY: KEY,
    NEXTMODEL_ADMIN_TOKEN: 'admin-0123456789abcdef0123456789abcdef',
    NEXTMODEL_LOG_LEVEL: 'error',
  };
}

async function becomesReady(gateway: ChildProcess, port: number): Promise<void> {
  for (const untilMs = performance.now() + READY_MS; performance.now() < untilMs; await sleep(50)) {
    if (gateway.exitCode !== null) throw new Error(`the gateway ended with ${gateway.exitCode}`);
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (response?.ok === true) return;
  }
  throw new Error('the gateway did not become ready');
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  return text;
}

function rssMb(pid: number | undefined): number {
  if (process.platform !== 'linux') return NaN;
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
