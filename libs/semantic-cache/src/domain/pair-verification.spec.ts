import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadLexicon, loadTreeModel, loadWordTable } from '../adapters/builtin/load-assets.js';
import type { Lexicon } from './lexicon.js';
import { pairFeatures, type PairFeatures } from './pair-features.js';
import { prepareText } from './prepared-text.js';
import type { WordTable } from './static-embedding.js';
import { pairScore, scoreThreshold, type TreeModel } from './verifier-score.js';
import { vetoOf } from './vetoes.js';

interface ReferencePair {
  readonly a: string;
  readonly b: string;
  readonly features: Readonly<Record<keyof PairFeatures, number>>;
  readonly veto: boolean;
  readonly scoreStatic: number;
}

const fixture = (name: string): string => readFileSync(new URL(`__fixtures__/${name}`, import.meta.url), 'utf8');
let table: WordTable;
let lexicon: Lexicon;
let model: TreeModel;

beforeAll(async () => {
  table = await loadWordTable();
  [lexicon, model] = await Promise.all([loadLexicon(table), loadTreeModel()]);
});

const featuresOf = ({ a, b }: ReferencePair): PairFeatures =>
  pairFeatures(table, lexicon, prepareText(table, a), prepareText(table, b));

describe('pair features against the reference', () => {
  const pairs = fixture('reference-pairs.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ReferencePair);

  it('gives every feature of 200 pairs within its six printed decimals', () => {
    let worst = 0;

    for (const pair of pairs) {
      const features = featuresOf(pair);
      expect(Object.keys(features).toSorted()).toEqual(Object.keys(pair.features).toSorted());
      for (const [name, value] of Object.entries(pair.features)) {
        const difference = Math.abs(features[name as keyof PairFeatures] - value);
        expect(difference, `${name} of "${pair.a}" / "${pair.b}"`).toBeLessThanOrEqual(6e-7);
        worst = Math.max(worst, difference);
      }
    }

    expect(pairs).toHaveLength(200);
    expect(worst).toBeLessThanOrEqual(6e-7);
  });

  it('gives every score within 1e-4 and every veto', () => {
    const score = pairScore(model);

    for (const pair of pairs) {
      const features = featuresOf(pair);
      expect(Math.abs(score(features) - pair.scoreStatic), pair.a).toBeLessThan(1e-4);
      expect(vetoOf(features) !== null, `${pair.a} / ${pair.b}`).toBe(pair.veto);
    }
  });

  it('takes the stricter threshold between two measured shares and none below the strictest', () => {
    expect(scoreThreshold(model, 0.01)).toBe(14.454);
    expect(scoreThreshold(model, 0.007)).toBe(14.808);
    expect(scoreThreshold(model, 0.001)).toBe(15.671);
    expect(scoreThreshold(model, 0.5)).toBe(13.936);
    expect(scoreThreshold(model, 0.0005)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('static embedding against the reference', () => {
  const texts = JSON.parse(fixture('reference-vectors.json')) as { text: string; vec: number[] }[];

  it('gives every component of 50 texts within 1e-5', () => {
    for (const { text, vec } of texts) {
      const vector = table.embed(text);
      const worst = Math.max(...vec.map((x, k) => Math.abs(x - (vector[k] ?? Number.NaN))));
      expect(worst, text).toBeLessThan(1e-5);
    }
    expect(texts).toHaveLength(50);
  });

  it('does not trip over words that are property names', () => {
    const vector = table.embed('constructor toString __proto__ hasOwnProperty');

    expect(Math.hypot(...vector)).toBeCloseTo(1, 9);
  });
});
