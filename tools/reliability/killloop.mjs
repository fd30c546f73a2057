// node tools/reliability/killloop.mjs [--kills 30] [--random 200] [--seed 1] [--points a,b]
// Kills the built product at every named point and at random moments, and checks what is left. Exit 1 for a violation.
import './typescript-hooks.mjs';
import { parseArgs } from 'node:util';

const { runKillLoop } = await import('./kill-loop.ts');
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '30' },
    random: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    points: { type: 'string' },
  },
});
let round = 0;
const startedMs = performance.now();
const report = await runKillLoop({
  kills: Number(values.kills),
  randomKills: Number(values.random),
  seed: Number(values.seed),
  ...(values.points === undefined ? {} : { points: values.points.split(',') }),
  onRound: (name) => {
    round += 1;
    if (round % 10 === 0) console.log(`${round} kills, last ${name}`);
  },
});
for (const { invariant, what } of report.violations.slice(0, 50)) console.log(`${invariant} ${what}`);
const { violations, ...numbers } = report;
console.log(
  JSON.stringify({
    ...numbers,
    violations: violations.length,
    seconds: Math.round((performance.now() - startedMs) / 1000),
  }),
);
process.exit(violations.length === 0 && report.notReached.length === 0 ? 0 : 1);
