// Runs the tiers one after the other and prints how many tests each had. In CI a tier that cannot run is a failure;
// elsewhere it is named with the reason. `node tools/test/run-tiers.mjs unit int` runs some of them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const inCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false';
const wanted = process.argv.slice(2);
const tiers = ['unit', 'int', 'e2e'].filter((tier) => wanted.length === 0 || wanted.includes(tier));
const out = mkdtempSync(join(tmpdir(), 'nextmodel-tests-'));
const npx = (words) => spawnSync('npx', ['--no-install', ...words], { stdio: 'inherit' }).status ?? 1;

/** Engines that the int and e2e tiers start themselves. */
const NEEDS = [
  { name: 'java', words: ['java', ['-version']], for: 'a real Kafka broker' },
  { name: 'mvn', words: ['mvn', ['--version']], for: 'the broker’s jars' },
  { name: 'redis-server', words: ['redis-server', ['--version']], for: 'shared limits' },
];

console.log('— build');
if (spawnSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' }).status !== 0) process.exit(1);

const missing = NEEDS.filter(
  ({ words: [command, flags] }) => spawnSync(command, flags, { stdio: 'ignore' }).status !== 0,
);
for (const { name, for: purpose } of missing) {
  console.log(
    `${inCi ? 'FAIL' : 'NOTE'}: ${name} is not installed; it is needed for ${purpose}. Tests that need it ${inCi ? 'must run here' : 'are skipped by name'}.`,
  );
}
if (inCi && missing.length > 0 && tiers.some((tier) => tier !== 'unit')) process.exit(1);

const rows = [];
for (const tier of tiers) {
  const file = join(out, `${tier}.json`);
  const startedMs = Date.now();
  console.log(`— ${tier}`);
  const status = npx([
    'vitest',
    'run',
    '--project',
    tier,
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  let report = null;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The runner died before it could report.
  }
  const row = {
    tier,
    passed: report?.numPassedTests ?? 0,
    failed: report?.numFailedTests ?? 0,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
    seconds: Math.round((Date.now() - startedMs) / 1000),
    status,
  };
  if (row.passed === 0 || (status !== 0 && row.failed === 0)) row.failed += 1;
  rows.push(row);
  for (const suite of report?.testResults ?? []) {
    for (const test of suite.assertionResults) {
      if (test.status === 'pending' || test.status === 'skipped') console.log(`skipped: ${test.fullName}`);
      if (test.status === 'failed') console.log(`FAILED: ${test.fullName}`);
    }
  }
}
rmSync(out, { recursive: true, force: true });

console.log('');
for (const row of rows) {
  console.log(
    `${row.tier.padEnd(5)} ${String(row.passed).padStart(5)} passed ${String(row.failed).padStart(3)} failed ${String(row.skipped).padStart(3)} skipped  ${row.seconds} s`,
  );
}
const sum = (field) => rows.reduce((total, row) => total + row[field], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exit(sum('failed') > 0 || rows.some((row) => row.status !== 0) ? 1 : 0);
