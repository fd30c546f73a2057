import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const DRILL = fileURLToPath(new URL('../../../tools/drill-receipts.mjs', import.meta.url));

it('the drill, short: kills, everything twice, drop and replay, recompute, audits agree to the picodollar', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [DRILL, '3000', '4'], { timeout: 240_000 });

  const steps = stdout.split('\n').filter((line) => / s +(ok|WRONG) /.test(line));
  expect(steps.map((line) => line.split(/ {2,}/)[0])).toEqual([
    'generate',
    'ingest, killed',
    'everything again',
    'drop and replay',
    'recompute',
    'audits',
  ]);
  expect(stdout).not.toContain('WRONG');
}, 300_000);
