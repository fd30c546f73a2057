import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadPairVerifier } from '../adapters/builtin/load-pair-verifier.js';
import type { PairVerifier } from '../ports/pair-verifier.js';
import { normalForm } from './normal-form.js';
import { isNormalisable, semanticTextRefusal } from './text-eligibility.js';

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

const oneForm = ({ a, b }: BatteryPair): boolean =>
  isNormalisable(a) && isNormalisable(b) && normalForm(a) === normalForm(b);
const mayMatchByMeaning = ({ a, b }: BatteryPair): boolean =>
  semanticTextRefusal(a) === null && semanticTextRefusal(b) === null;

/**
 * The shares of right answers are what zero wrong ones leave. The battery makes rewordings by shouting, by greetings
 * before texts that open with no opening word, and of texts about words; these could as well be another question, so
 * they are misses. Measured: 82.7% by the verifier, 76.7% with the refusals before it, 24.9% by the normal form alone.
 */
describe('the guard battery', () => {
  for (const maxError of [0.01, 0.001]) {
    it(`serves none of 2,552 different questions and over 80% of 1,942 rewordings by meaning at ${maxError} tolerated error`, () => {
      const wrong = mustNotHit.filter(({ a, b }) => verifier.judge(b, a, maxError).serve);
      const right = mustHit.filter(({ a, b }) => verifier.judge(b, a, maxError).serve);
      const reached = right.filter(mayMatchByMeaning);

      expect(mustNotHit).toHaveLength(2552);
      expect(wrong).toEqual([]);
      expect(right.length / mustHit.length).toBeGreaterThan(0.8);
      expect(reached.length / mustHit.length).toBeGreaterThan(0.75);
    });
  }

  it('gives no two different questions one normal form, and a fifth of the rewordings', () => {
    expect(mustNotHit.filter(({ a, b }) => normalForm(a) === normalForm(b))).toEqual([]);
    expect(mustNotHit.filter(oneForm)).toEqual([]);
    expect(mustHit.filter(oneForm).length / mustHit.length).toBeGreaterThan(0.2);
  });
});
