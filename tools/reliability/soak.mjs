// node tools/reliability/soak.mjs [seconds = 1200]
// Half of what this machine can do, 5 % of it faults: does memory grow, do descriptors or sockets stay behind?
// Exit 1 when resident memory grows by 1 MB a minute or more after the warm-up, or something stays behind.
import './typescript-hooks.mjs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { startFaultUpstream } = await import('./fault-upstream.ts');
const { startGateway } = await import('./gateway-process.ts');
const { faultConfiguration } = await import('./fault-configuration.ts');
const { callGateway } = await import('./http-call.ts');
const { inParallel } = await import('./in-parallel.ts');
const { seededRandom } = await import('./seeded-random.ts');

const seconds = Number(process.argv[2] ?? 1_200);
const FAULTS = ['500', '503', 's_fin', 's_reset', 's_errmid', 'badjson', 'reset', 'flaky:1', '400', 'leave'];
const SLOPE_MB_MAX = 1;
const SAMPLE_MS = 2_000;

const upstream = await startFaultUpstream({ callsMax: 20_000 });
const gateway = await startGateway({
  configuration: faultConfiguration({ upstream: upstream.baseUrl }),
  nodeFlags: ['--unhandled-rejections=strict', '--max-semi-space-size=8'],
});
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const random = seededRandom(3);
const told = new Map();

const one = async () => {
  const stream = random() < 0.5;
  const fault = random() < 0.05 ? FAULTS[Math.floor(random() * FAULTS.length)] : null;
  const leaves = fault === 'leave' ? { leaveAfterMs: random() * 40 } : {};
  const model = fault === 'leave' ? 'f:s_slow:20' : `f:${fault ?? (stream ? 's_each' : 'ok')}`;
  const result = await callGateway(gateway.baseUrl, model, { stream, agent, ...leaves });
  const kind = fault === null ? (result.status === 200 ? 'answered' : `unexpected ${result.status}`) : 'faults';
  told.set(kind, (told.get(kind) ?? 0) + 1);
};

// What it can do, measured for five seconds; then half of that at an even pace.
const measuredFrom = performance.now();
let served = 0;
const untilMs = measuredFrom + 5_000;
await inParallel(8, 8, async () => {
  while (performance.now() < untilMs) {
    await one();
    served += 1;
  }
});
const perSecond = Math.max(5, Math.floor(served / 5 / 2));
console.log(`capacity ${Math.round(served / 5)}/s, soaking at ${perSecond}/s for ${seconds} s`);
told.clear();
await sleep(1_000);
const before = gateway.usage();

const samples = [];
const startedMs = performance.now();
const endMs = startedMs + seconds * 1_000;
const sampling = setInterval(() => {
  samples.push({ atMin: (performance.now() - startedMs) / 60_000, ...gateway.usage(), sockets: upstream.sockets });
}, SAMPLE_MS);
const running = new Set();
for (let sent = 0; performance.now() < endMs;) {
  const due = ((performance.now() - startedMs) / 1_000) * perSecond;
  for (; sent < due; sent += 1) {
    const call = one().finally(() => running.delete(call));
    running.add(call);
  }
  await sleep(5);
}
clearInterval(sampling);
await Promise.all(running);
agent.destroy();
await sleep(6_000);
const after = gateway.usage();

const warm = samples.slice(Math.floor(samples.length / 3));
const slopeMb = slope(warm.map(({ atMin, rssBytes }) => [atMin, rssBytes / 1e6]));
const report = {
  seconds,
  perSecond,
  told: Object.fromEntries(told),
  rssMb: {
    before: mb(before),
    afterWarmUp: mb(warm[0]),
    end: mb(warm.at(-1)),
    slopePerMinute: Number(slopeMb.toFixed(2)),
  },
  descriptors: {
    before: before.descriptors,
    most: Math.max(...samples.map(({ descriptors }) => descriptors)),
    after: after.descriptors,
  },
  upstreamSockets: { most: Math.max(...samples.map(({ sockets }) => sockets)), after: upstream.sockets },
  unhandled: /unhandled|failed inside the gateway/i.test(gateway.output),
};
console.log(JSON.stringify(report));
const unexpected = [...told.keys()].filter((kind) => kind.startsWith('unexpected'));
const left = after.descriptors - before.descriptors > 5 || gateway.exit !== null || report.unhandled;
await gateway.close();
await upstream.close();
process.exit(slopeMb >= SLOPE_MB_MAX || left || unexpected.length > 0 ? 1 : 0);

function mb(sample) {
  return Math.round((sample?.rssBytes ?? 0) / 1e6);
}

/** Least squares. */
function slope(points) {
  const mean = (at) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const over = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return over / (points.reduce((sum, [a]) => sum + (a - x) ** 2, 0) || 1);
}
