// node tools/reliability/overload.mjs [--seconds 20] [--goodput-min 0.8] [--refusal-p99-ms 50] [--connections 2048]
// More arrivals than one gateway can serve, at 1, 1.5 and 3 times its peak: what is still served within a second, and
// how fast is a refusal? Exit 1 when the goodput at 1.5 × is below --goodput-min of the peak, refusals there are slower
// than --refusal-p99-ms, nobody is refused, one has no retry-after, or anything ended otherwise.
// Needs `npm run build`.
import '../typescript-hooks.mjs';
import os from 'node:os';
import { parseArgs } from 'node:util';

const { runOverload } = await import('./run-overload.ts');
const { judgeOverload } = await import('./judge-overload.ts');

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    'goodput-min': { type: 'string', default: '0.8' },
    'refusal-p99-ms': { type: 'string', default: '50' },
    connections: { type: 'string', default: '2048' },
  },
});
const report = await runOverload({
  rates: [1, 1.5, 3],
  secondsPerRate: Number(options.seconds),
  warmUpSeconds: 6,
  peakSeconds: 5,
  connections: Number(options.connections),
});
const load = os.loadavg().map((each) => each.toFixed(2));
console.log(`peak ${report.peakPerSecond}/s, a core for itself: ${report.pinned}, load average ${load.join(' ')}`);
console.table(
  report.rows.map((row) => ({
    rate: `${row.rate} ×`,
    'offered/s': row.offeredPerSecond,
    'goodput/s': row.goodPerSecond,
    '% of peak': Math.round((row.goodPerSecond / report.peakPerSecond) * 100),
    'accepted p50/p99 ms': `${row.acceptedMs.p50} / ${row.acceptedMs.p99}`,
    'refused p50/p99/max ms': `${row.refusedMs.p50} / ${row.refusedMs.p99} / ${row.refusedMs.max}`,
    'after 2 s p50/p99/max ms': `${row.refusedLaterMs.p50} / ${row.refusedLaterMs.p99} / ${row.refusedLaterMs.max}`,
    'refused, with retry-after': `${row.refused}, ${row.withRetryAfter}`,
    errors: JSON.stringify(row.errors),
    'gateway busy': row.gatewayBusy.toFixed(2),
    'load busy': row.clientBusy,
    'RSS MB': row.rssMb,
  })),
);
const problems = judgeOverload(report.peakPerSecond, report.rows, {
  goodputMin: Number(options['goodput-min']),
  refusalP99Ms: Number(options['refusal-p99-ms']),
});
for (const problem of problems) console.log(`PROBLEM: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);
