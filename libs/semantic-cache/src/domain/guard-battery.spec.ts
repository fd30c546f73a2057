import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadPairVerifier } from '../adapters/builtin/load-pair-verifier.js';
import type { PairVerifier } from '../ports/pair-verifier.js';
import { normalForm } from './text-eligibility.js';

interface BatteryPair {
  readonly label: 0 | 1;
  readonly kind: string;
  readonly a: string;
  readonly b: string;
}

const battery = gunzipSync(readFileSync(new URL('__fixtures__/guard-battery.jsonl.gz', import.meta.url)))
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as BatteryPair);
const mustNotHit = battery.filter(({ label }) => label === 0);
const mustHit = battery.filter(({ label }) => label === 1);

let verifier: PairVerifier;
beforeAll(async () => {
  verifier = await loadPairVerifier();
});

describe('the guard battery', () => {
  for (const maxError of [0.01, 0.001]) {
    it(`serves none of 2,552 different questions and over 98.5% of 1,942 rewordings at ${maxError} tolerated error`, () => {
      const wrong = mustNotHit.filter(({ a, b }) => verifier.judge(b, a, maxError).serve);
      const right = mustHit.filter(({ a, b }) => verifier.judge(b, a, maxError).serve);

      expect(mustNotHit).toHaveLength(2552);
      expect(wrong).toEqual([]);
      expect(right.length / mustHit.length).toBeGreaterThan(0.985);
    });
  }

  it('gives no two different questions one normal form', () => {
    expect(mustNotHit.filter(({ a, b }) => normalForm(a) === normalForm(b))).toEqual([]);
  });
});
