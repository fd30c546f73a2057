// node tools/reliability/killloop.mjs [--kills 30] [--random 200] [--seed 1] [--points a,b] [--parts 10] [--jobs 2]
//   [--results file.ndjson] [--kafka]
// Kills the built product at every named point and at random moments, and checks what is left. The work is done in
// parts, each on a data directory of its own; with --results a part that is in the file already is not done again.
// --kafka: the shipper's points, over a broker of its own. Exit 1 for a violation or a point that was never passed.
import '../typescript-hooks.mjs';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { runKillLoop } = await import('./kill-loop.ts');
const { inParallel } = await import('./in-parallel.ts');
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '30' },
    random: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    points: { type: 'string' },
    parts: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '2' },
    results: { type: 'string' },
    kafka: { type: 'boolean', default: false },
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

const startedMs = performance.now();
const seconds = () => Math.round((performance.now() - startedMs) / 1000);
const broker = values.kafka ? await (await import('../kafka-broker/start-broker.mjs')).startBroker() : null;
const points = values.points?.split(',') ?? (broker === null ? undefined : ['ship_sent', 'ship_acked']);
// A broker keeps what one part has shipped, and the tables of another would show it.
const parts = broker === null ? Number(values.parts) : 1;
const jobs = Math.min(parts, Number(values.jobs));
const share = (all, part) => Math.floor((Number(all) * (part + 1)) / parts) - Math.floor((Number(all) * part) / parts);
const done = new Map();
if (values.results !== undefined && existsSync(values.results)) {
  for (const line of readFileSync(values.results, 'utf8').trim().split('\n').filter(Boolean)) {
    const { seed, report } = JSON.parse(line);
    done.set(seed, report);
  }
  console.log(`${done.size} of ${parts} parts are done already`);
}

let rounds = 0;
await inParallel(parts, jobs, async (part) => {
  const seed = Number(values.seed) + part;
  if (done.has(seed)) return;
  const report = await runKillLoop({
    kills: share(values.kills, part),
    randomKills: values.kafka ? 0 : share(values.random, part),
    seed,
    ...(points === undefined ? {} : { points }),
    ...(broker === null ? {} : { brokers: broker.brokers }),
    onRound: (name) => {
      rounds += 1;
      if (rounds % 10 === 0) console.log(`${rounds} kills in ${seconds()} s, last ${name}`);
    },
  });
  done.set(seed, report);
  if (values.results !== undefined) appendFileSync(values.results, `${JSON.stringify({ seed, report })}\n`);
  console.log(`part ${part + 1} of ${parts}: ${report.kills} kills, ${report.violations.length} violations`);
});
await broker?.stop();

const reports = [...done.values()];
const violations = reports.flatMap((report) => report.violations);
const notReached = reports.flatMap((report) => report.notReached);
const sum = (of) => reports.reduce((total, report) => total + of(report), 0);
for (const { invariant, what } of violations.slice(0, 50)) console.log(`${invariant} ${what}`);
const kills = new Map();
for (const { byPoint } of reports)
  for (const [point, count] of Object.entries(byPoint)) kills.set(point, (kills.get(point) ?? 0) + count);
const missed = (point) => notReached.filter((name) => name.split(':')[0] === point).length;
console.table([...kills].map(([point, count]) => ({ point, kills: count, 'not reached': missed(point) })));
console.log(
  JSON.stringify({
    kills: sum((report) => report.kills),
    requests: sum((report) => report.requests),
    refused: sum((report) => report.refused),
    receipts: sum((report) => report.receipts),
    unknown: sum((report) => report.unknown),
    violations: violations.length,
    notReached: notReached.length,
    readyMsMax: Math.max(...reports.map((report) => report.readyMsMax)),
    slowestStarts: reports.map((report) => `${report.readyMsMax} ms ${report.slowestStart}`),
    seconds: seconds(),
  }),
);
process.exit(violations.length === 0 && notReached.length === 0 ? 0 : 1);
