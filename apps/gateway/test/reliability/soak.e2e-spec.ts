import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SOAK = fileURLToPath(new URL('../../../../tools/reliability/soak.mjs', import.meta.url));
const SECONDS = 8;
const PER_SECOND = 25;

interface Report {
  readonly sent: number;
  readonly left: number;
  readonly refused: number;
  readonly receipts: number;
  readonly inFlight: number;
  readonly upstreamSockets: number;
}

function soak(): Promise<string> {
  const words = ['--seconds', SECONDS, '--warm-up-seconds', 2, '--rate', PER_SECOND, '--gateway-only'].map(String);
  const options = { timeout: 110_000, maxBuffer: 1e7 };
  return new Promise((resolve) => {
    execFile(process.execPath, [SOAK, ...words], options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

it('some seconds of faults, cuts and callers that leave end with every receipt and nothing left open', async () => {
  const output = await soak();

  const problems = output.split('\n').filter((line) => line.startsWith('PROBLEM'));
  const report = JSON.parse(/^\{"seconds".*\}$/m.exec(output)?.[0] ?? 'null') as Report | null;
  // A trend needs minutes; and how busy a machine is that runs tests says nothing about the product.
  expect(problems.filter((line) => !/grows by|too busy/.test(line))).toEqual([]);
  expect(report).toMatchObject({ inFlight: 0, upstreamSockets: 0 });
  expect(report?.sent).toBeGreaterThan((SECONDS * PER_SECOND) / 4);
  expect(report?.receipts).toBeGreaterThanOrEqual((report?.sent ?? 0) - (report?.refused ?? 0) - (report?.left ?? 0));
});
