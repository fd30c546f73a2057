// node tools/reliability/soak.mjs [--seconds 1200] [--warm-up-seconds 300] [--gateway-only] [--cache] [--rate N]
// Half of what this machine can do, 5 % of it faults: does memory grow, do descriptors or sockets stay behind, has
// every request its receipt? Exit 1 when the gateway's memory grows by 1 MB a minute or more after the warm-up, or
// something stays behind. Open segments of the log are held against the limit of their readers.
import '../typescript-hooks.mjs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { startFaultUpstream } = await import('./fault-upstream.ts');
const { startGateway, SQL_PASSWORD } = await import('./gateway-process.ts');
const { faultConfiguration } = await import('./fault-configuration.ts');
const { callGateway } = await import('./http-call.ts');
const { inParallel } = await import('./in-parallel.ts');
const { judgeDescriptors } = await import('./judge-descriptors.ts');
const { memoryTrend } = await import('./memory-trend.ts');
const { processTree } = await import('./process-tree.ts');
const { seededRandom } = await import('./seeded-random.ts');

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1200' },
    'warm-up-seconds': { type: 'string' },
    'gateway-only': { type: 'boolean', default: false },
    cache: { type: 'boolean', default: false },
    rate: { type: 'string' },
  },
});
const seconds = Number(options.seconds);
const warmUpMinutes = Number(options['warm-up-seconds'] ?? Math.min(600, seconds / 3)) / 60;
const FAULTS = ['500', '503', 's_fin', 's_reset', 's_errmid', 'badjson', 'reset', 'flaky:1', '400', 'leave'];
const SLOPE_MB_MAX = 1;
const SAMPLE_MS = 2_000;
const TELL_MS = 30_000;
const WINDOW_MINUTES = 0.5;
const MEASURE_MS = 10_000;
const REFUSED_SHARE_MAX = 0.05;

const upstream = await startFaultUpstream({ callsMax: 20_000 });
const gateway = await startGateway({
  // Nothing stalls here on purpose: a timeout would only tell how busy the machine is.
  configuration: faultConfiguration({
    upstream: upstream.baseUrl,
    cache: options.cache,
    phaseTimeoutMs: 30_000,
    totalTimeoutMs: 60_000,
  }),
  whole: !options['gateway-only'],
  nodeFlags: options['gateway-only'] ? ['--unhandled-rejections=strict'] : [],
});
const stopping = new AbortController();
for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
]) {
  process.on(signal, () => {
    stopping.abort();
    Promise.allSettled([gateway.close(), upstream.close()]).then(() => process.exit(code));
  });
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const random = seededRandom(3);
const told = new Map();
/** Refused before their bodies were read, by a gateway that was too busy: no receipt. */
let refused = 0;
let [sent, left] = [0, 0];
const one = async () => {
  const stream = random() < 0.5;
  const fault = random() < 0.05 ? FAULTS[Math.floor(random() * FAULTS.length)] : null;
  const leaves = fault === 'leave' ? { leaveAfterMs: random() * 40 } : {};
  const model = fault === 'leave' ? 'f:s_slow:20' : `f:${fault ?? (stream ? 's_each' : 'ok')}`;
  sent += 1;
  const result = await callGateway(gateway.baseUrl, model, { stream, agent, ...leaves });
  if (result.leftAtMs !== null) left += 1;
  const receiptId = result.headers['x-nextmodel-receipt-id'];
  if (result.status === 503 && receiptId === undefined && /"code":"overloaded"/.test(result.body.toString())) {
    refused += 1;
    return;
  }
  const kind =
    fault === null ? (result.status === 200 && result.whole ? 'answered' : `unexpected ${result.status}`) : 'faults';
  told.set(kind, (told.get(kind) ?? 0) + 1);
};

let perSecond = Number(options.rate);
if (options.rate === undefined) {
  // What it can do, measured for some seconds; then half of that at an even pace.
  const untilMs = performance.now() + MEASURE_MS;
  let served = 0;
  await inParallel(8, 8, async () => {
    while (performance.now() < untilMs && !stopping.signal.aborted) {
      await one();
      served += 1;
    }
  });
  perSecond = Math.max(5, Math.floor((served * 500) / MEASURE_MS));
}
console.log(`soaking at ${perSecond} requests a second for ${seconds} s, warm-up ${warmUpMinutes.toFixed(1)} min`);
await sleep(1_000);
const before = processTree(gateway.pid);

/** @type {Map<string, { atMinutes: number, megabytes: number }[]>} */
const series = new Map();
const note = (name, atMinutes, megabytes) => {
  if (!series.has(name)) series.set(name, []);
  series.get(name).push({ atMinutes, megabytes });
};
const startedMs = performance.now();
const minutes = () => (performance.now() - startedMs) / 60_000;
/** Every process at each sample. @type {import('./process-tree.ts').ProcessUsage[]} */
const usages = [];
const sample = async () => {
  const atMinutes = minutes();
  const tree = processTree(gateway.pid);
  usages.push(...tree);
  for (const { role, anonymousMb, residentMb } of tree) {
    note(role, atMinutes, residentMb);
    note(`${role} anonymous`, atMinutes, anonymousMb);
  }
  const metrics = await readMetrics();
  if (metrics === null) return;
  note('gateway heap', atMinutes, metrics('nextmodel_nodejs_heap_size_used_bytes') / 1e6);
  note('gateway heap total', atMinutes, metrics('nextmodel_nodejs_heap_size_total_bytes') / 1e6);
  note('gateway external', atMinutes, metrics('nextmodel_nodejs_external_memory_bytes') / 1e6);
};
let sampling = Promise.resolve();
const sampler = setInterval(() => {
  sampling = sampling.then(sample).catch(() => undefined);
}, SAMPLE_MS);
const teller = setInterval(() => {
  const now = [...series].filter(([name]) => !name.includes('anonymous'));
  const shown = now.map(([name, samples]) => `${name} ${Math.round(samples.at(-1).megabytes)}`).join(', ');
  console.log(`${minutes().toFixed(1)} min, ${sent} sent: ${shown} MB`);
}, TELL_MS);

const running = new Set();
const endMs = startedMs + seconds * 1_000;
for (let paced = 0; performance.now() < endMs && !stopping.signal.aborted;) {
  const due = ((performance.now() - startedMs) / 1_000) * perSecond;
  for (; paced < due; paced += 1) {
    const call = one().finally(() => running.delete(call));
    running.add(call);
  }
  await sleep(5);
}
clearInterval(sampler);
clearInterval(teller);
await Promise.all(running);
await sampling;
agent.destroy();

// Idle connections to a provider are kept for 15 seconds.
const quiet = await until(30_000, async () => {
  const metrics = await readMetrics();
  return upstream.sockets === 0 && metrics?.('nextmodel_open_requests') === 0;
});
const metrics = await readMetrics();
const receipts = metrics?.('nextmodel_requests_total') ?? 0;
let rows = null;
if (!options['gateway-only']) {
  await until(60_000, async () => (rows = await receiptRows()) === receipts);
}
const after = processTree(gateway.pid);

const trends = [...series].map(([name, samples]) => [name, memoryTrend(samples, warmUpMinutes, WINDOW_MINUTES)]);
console.log('\nMB, lowest of each half minute   first    last   per minute  (95 %)');
for (const [name, trend] of trends) {
  const { firstMb, lastMb, slopeMbPerMinute, uncertainty } = trend;
  console.log(
    `${name.padEnd(28)} ${firstMb.toFixed(1).padStart(9)} ${lastMb.toFixed(1).padStart(7)} ${slopeMbPerMinute.toFixed(2).padStart(12)}  ±${uncertainty?.toFixed(2) ?? '?'}`,
  );
}
const unexpected = [...told].filter(([kind]) => kind.startsWith('unexpected'));
const descriptors = judgeDescriptors(before, usages, after);
const gcCount = metrics?.('nextmodel_nodejs_gc_duration_seconds_count') ?? 0;
const gcSeconds = metrics?.('nextmodel_nodejs_gc_duration_seconds_sum') ?? 0;
console.log(
  JSON.stringify({
    seconds,
    perSecond,
    sent,
    told: Object.fromEntries(told),
    left,
    refused,
    receipts,
    rows,
    descriptors: descriptors.byRole,
    upstreamSockets: upstream.sockets,
    inFlight: metrics?.('nextmodel_in_flight_requests') ?? null,
    gcMsPerThousandRequests: Number(((gcSeconds * 1e6) / Math.max(1, sent)).toFixed(1)),
    gcCount,
  }),
);
const slope = Object.fromEntries(trends).gateway?.slopeMbPerMinute ?? Number.NaN;
const problems = [
  !(slope < SLOPE_MB_MAX) && `the gateway grows by ${slope.toFixed(2)} MB a minute`,
  unexpected.length > 0 && `unexpected answers: ${unexpected.map((each) => each.join(' × ')).join(', ')}`,
  !quiet && 'connections or requests stay open',
  refused > sent * REFUSED_SHARE_MAX && `${refused} requests were refused: this machine was too busy for a soak`,
  // Who left may have done so before the request was whole.
  (receipts > sent - refused || receipts < sent - refused - left) &&
    `${receipts} receipts of ${sent} requests, ${refused} of which were refused and ${left} left`,
  rows !== null && rows !== receipts && `${rows} rows of ${receipts} receipts`,
  ...descriptors.problems,
  gateway.exit !== null && 'the product ended',
  /unhandled|failed inside the gateway|died/i.test(gateway.output) && 'the product complained; see its output',
].filter(Boolean);
for (const problem of problems) console.log(`PROBLEM: ${problem}`);
if (problems.length > 0) console.log(gateway.output.slice(-2_000));
await gateway.close();
await upstream.close();
process.exit(problems.length > 0 ? 1 : 0);

/** A reader of the gateway's metrics, which adds the series of one name; `null` when it does not answer. */
async function readMetrics() {
  const response = await fetch(`${gateway.origin}/metrics`).catch(() => null);
  if (response?.ok !== true) return null;
  const lines = (await response.text()).split('\n');
  return (name) => {
    let total = 0;
    for (const line of lines) {
      if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        total += Number(line.slice(line.lastIndexOf(' ')));
    }
    return total;
  };
}

async function receiptRows() {
  const query = encodeURIComponent('SELECT count() FROM nextmodel.receipts FINAL');
  const headers = { 'x-clickhouse-user': 'audit', 'x-clickhouse-key': SQL_PASSWORD };
  const response = await fetch(`http://127.0.0.1:${gateway.sqlPort}/?query=${query}`, { headers }).catch(() => null);
  return response?.ok === true ? Number(await response.text()) : null;
}

async function until(ms, isSo) {
  const endsMs = performance.now() + ms;
  while (performance.now() < endsMs && !stopping.signal.aborted) {
    if (await isSo()) return true;
    await sleep(500);
  }
  return false;
}
