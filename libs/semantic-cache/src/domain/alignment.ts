import type { Lexicon } from './lexicon.js';
import type { PreparedText } from './prepared-text.js';
import type { WordTable } from './static-embedding.js';
import { STOP_WORDS } from './word-lists.js';
import { stemOf } from './words.js';

/** A run of words in which two aligned texts differ: words of the one, words of the other. */
type Hunk = readonly [string[], string[]];

export interface Alignment {
  /** Length of the longest common subsequence of stems. */
  readonly common: number;
  readonly hunks: readonly Hunk[];
}

/** Aligns two texts by the longest common subsequence of their stems. Quadratic: callers bound the length. */
export function align(a: PreparedText, b: PreparedText): Alignment {
  const m = a.stems.length;
  const n = b.stems.length;
  const width = n + 1;
  const best = new Uint16Array((m + 1) * width);
  const at = (i: number, j: number): number => best[i * width + j] as number;
  for (let i = m - 1; i >= 0; i--) {
    for (let j = n - 1; j >= 0; j--) {
      best[i * width + j] = a.stems[i] === b.stems[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const hunks: Hunk[] = [];
  let open: Hunk | null = null;
  let i = 0;
  let j = 0;
  while (i < m || j < n) {
    if (i < m && j < n && a.stems[i] === b.stems[j]) {
      open = null;
      i++;
      j++;
      continue;
    }
    if (open === null) {
      open = [[], []];
      hunks.push(open);
    }
    if (j >= n || (i < m && at(i + 1, j) >= at(i, j + 1))) open[0].push(a.words[i++] as string);
    else open[1].push(b.words[j++] as string);
  }
  return { common: at(0, 0), hunks };
}

export interface Substitutions {
  /** Hunks with a content word on both sides that do not mean the same. */
  readonly count: number;
  /** Cosine of the most alike words of the least alike substitution; 1 without any. */
  readonly similarity: number;
  readonly weight: number;
  /** Weight of what stands in one text only. */
  readonly deletedWeight: number;
  readonly siblings: boolean;
  readonly opposite: boolean;
}

export function substitutionsIn(
  table: WordTable,
  lexicon: Lexicon,
  a: PreparedText,
  b: PreparedText,
  hunks: readonly Hunk[],
): Substitutions {
  let count = 0;
  let similarity = 1;
  let weight = 0;
  let deletedWeight = 0;
  let siblings = false;
  let opposite = false;
  for (const [x, y] of hunks) {
    if (x.some((left) => y.some((right) => lexicon.opposite(left, right)))) opposite = true;
    const onlyX = x.filter((word) => !STOP_WORDS.has(word) && !b.content.has(stemOf(word)));
    const onlyY = y.filter((word) => !STOP_WORDS.has(word) && !a.content.has(stemOf(word)));
    const restX = onlyX.filter((left) => !onlyY.some((right) => lexicon.same(left, right)));
    const restY = onlyY.filter((right) => !onlyX.some((left) => lexicon.same(left, right)));
    if (restX.length > 0 && restY.length > 0) {
      count++;
      const short = restX.length < 3 && restY.length < 3 && x.length < 5 && y.length < 5;
      let best = -1;
      for (const left of restX) {
        for (const right of restY) {
          best = Math.max(best, table.wordCosine(left, right));
          if (short && lexicon.siblings(left, right)) siblings = true;
        }
      }
      similarity = Math.min(similarity, best);
      weight = Math.max(weight, Math.min(heaviest(table, restX), heaviest(table, restY)) / 10);
    } else if (restX.length > 0 || restY.length > 0) {
      deletedWeight = Math.max(deletedWeight, totalWeight(table, restX.length > 0 ? restX : restY) / 10);
    }
  }
  return { count, similarity, weight, deletedWeight, siblings, opposite };
}

export function heaviest(table: WordTable, words: readonly string[]): number {
  let most = 0;
  for (const word of words) most = Math.max(most, table.weight(word));
  return most;
}

export function totalWeight(table: WordTable, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) sum += table.weight(word);
  return sum;
}

/** How well the words of one text find a partner in the other: weighted mean, and the worst loss of one word. */
export function softMatch(
  table: WordTable,
  from: readonly number[],
  to: readonly number[],
): { readonly mean: number; readonly worst: number } {
  let matched = 0;
  let total = 0;
  let worst = 0;
  for (const a of from) {
    let best = to.includes(a) ? 1 : -1;
    if (best < 1) for (const b of to) best = Math.max(best, table.rowCosine(a, b));
    const weight = (table.idf[a] as number) * (STOP_WORDS.has(table.words[a] ?? '') ? 0.25 : 1);
    matched += weight * best;
    total += weight;
    worst = Math.max(worst, weight * (1 - best));
  }
  return { mean: total > 0 ? matched / total : 0, worst };
}
