import { align, heaviest, softMatch, substitutionsIn, totalWeight } from './alignment.js';
import type { Lexicon } from './lexicon.js';
import { classMismatches, type ClassMismatches } from './class-mismatches.js';
import type { PreparedText } from './prepared-text.js';
import type { WordTable } from './static-embedding.js';
import { AUXILIARY_WORDS, NUMERALS, STATE_CHANGE_WORDS, STOP_WORDS } from './word-lists.js';
import { isTypo, startsWithDigit } from './words.js';

/** The 42 numbers about a pair of texts that vetoes and trees look at. Flags are 0 or 1. */
export interface PairFeatures extends ClassMismatches {
  readonly jac: number;
  readonly idfjac: number;
  readonly contMin: number;
  readonly contMax: number;
  readonly maxun: number;
  readonly maxunMin: number;
  readonly sumun: number;
  readonly maxunS: number;
  readonly sumunS: number;
  readonly char3: number;
  readonly ant: number;
  readonly capMis: number;
  readonly capMass: number;
  readonly oovMis: number;
  readonly lenr: number;
  readonly lendiff: number;
  readonly lenmin: number;
  readonly bigram: number;
  readonly lcs: number;
  readonly inv: number;
  readonly fromto: number;
  readonly roleMis: number;
  readonly stopjac: number;
  readonly firstEq: number;
  /** Equal after case, punctuation, articles, contractions, numerals, spelling and politeness. */
  readonly canonEq: number;
  /** Differs only in one or two misspelled words. */
  readonly typoEq: number;
  readonly softMin: number;
  readonly softMax: number;
  readonly worst: number;
  readonly subN: number;
  readonly subSim: number;
  readonly subMass: number;
  readonly sib: number;
  readonly delMass: number;
  readonly hunks: number;
  /** Cosine of the two texts' static vectors. */
  readonly cosS: number;
}

const flag = (value: boolean): number => (value ? 1 : 0);

export function pairFeatures(table: WordTable, lexicon: Lexicon, a: PreparedText, b: PreparedText): PairFeatures {
  let sharedWeight = 0;
  let shared = 0;
  const onlyA: string[] = [];
  const onlyB: string[] = [];
  for (const [stem, word] of a.content) {
    if (b.content.has(stem)) {
      sharedWeight += table.weight(word);
      shared++;
    } else onlyA.push(word);
  }
  for (const [stem, word] of b.content) if (!a.content.has(stem)) onlyB.push(word);
  const containedA = sharedWeight / a.contentWeight;
  const containedB = sharedWeight / b.contentWeight;
  const heaviestA = heaviest(table, onlyA);
  const heaviestB = heaviest(table, onlyB);
  const strangersA = onlyA.filter((x) => !onlyB.some((y) => lexicon.same(x, y)));
  const strangersB = onlyB.filter((y) => !onlyA.some((x) => lexicon.same(y, x)));
  const jac = share(shared, a.content.size, b.content.size);

  const lengthA = a.words.length;
  const lengthB = b.words.length;
  const longest = Math.max(lengthA, lengthB, 1);
  const { common, hunks } = align(a, b);
  const inv = inversions(a, b);
  const subs = substitutionsIn(table, lexicon, a, b, hunks);
  const softA = softMatch(table, a.rows, b.rows);
  const softB = softMatch(table, b.rows, a.rows);
  const names = unmatchedNames(a, b, strangersA) + unmatchedNames(b, a, strangersB, true);
  const isUnknown = (word: string): boolean => !table.has(word) && !startsWithDigit(word);
  const canonEq = a.canonical === b.canonical;
  return {
    jac,
    idfjac: sharedWeight / Math.max(a.contentWeight + b.contentWeight - sharedWeight, 1e-6),
    contMin: Math.min(containedA, containedB),
    contMax: Math.max(containedA, containedB),
    maxun: Math.max(heaviestA, heaviestB) / 10,
    maxunMin: Math.min(heaviestA, heaviestB) / 10,
    sumun: (totalWeight(table, onlyA) + totalWeight(table, onlyB)) / 30,
    maxunS: Math.max(heaviest(table, strangersA), heaviest(table, strangersB)) / 10,
    sumunS: (totalWeight(table, strangersA) + totalWeight(table, strangersB)) / 30,
    char3: trigramCosine(a, b),
    ...classMismatches(a, b),
    ant: flag(subs.opposite || crossesOpposites(lexicon, a, b)),
    capMis: flag(names > 0),
    capMass: Math.min(names, 4) / 4,
    oovMis: flag(a.unknownWords !== b.unknownWords && (strangersA.some(isUnknown) || strangersB.some(isUnknown))),
    lenr: Math.min(lengthA, lengthB) / longest,
    lendiff: Math.min(Math.abs(lengthA - lengthB), 15) / 15,
    lenmin: Math.min(lengthA, lengthB, 20) / 20,
    bigram: share(countShared(a.stemBigrams, b.stemBigrams), a.stemBigrams.size, b.stemBigrams.size),
    lcs: common / longest,
    inv,
    fromto: flag(swappedFromTo(a.fromTo, b.fromTo)),
    roleMis: flag(rolesDiffer(a, b, jac, inv, strangersA.length + strangersB.length === 0)),
    stopjac: share(countShared(a.stopWords, b.stopWords), a.stopWords.size, b.stopWords.size),
    firstEq: flag(a.words[0] === b.words[0]),
    canonEq: flag(canonEq),
    typoEq: flag(!canonEq && differsByTypos(table, a.canonical, b.canonical)),
    softMin: Math.min(softA.mean, softB.mean),
    softMax: Math.max(softA.mean, softB.mean),
    worst: Math.max(softA.worst, softB.worst) / 10,
    subN: Math.min(subs.count, 4) / 4,
    subSim: subs.similarity,
    subMass: subs.weight,
    sib: flag(subs.siblings),
    delMass: Math.min(subs.deletedWeight, 4),
    hunks: Math.min(hunks.length, 8) / 8,
    cosS: cosine(a.vector, b.vector),
  };
}

/** Jaccard share; 1 when both sides are empty. */
function share(common: number, sizeA: number, sizeB: number): number {
  const all = sizeA + sizeB - common;
  return all > 0 ? common / all : 1;
}

function countShared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0;
  for (const x of a) if (b.has(x)) count++;
  return count;
}

function trigramCosine(a: PreparedText, b: PreparedText): number {
  let dot = 0;
  for (const [gram, count] of a.trigrams) dot += count * (b.trigrams.get(gram) ?? 0);
  return dot / (a.trigramLength * b.trigramLength);
}

function cosine(a: Float64Array, b: Float64Array): number {
  let dot = 0;
  for (let k = 0; k < a.length; k++) dot += (a[k] as number) * (b[k] as number);
  return dot;
}

function crossesOpposites(lexicon: Lexicon, a: PreparedText, b: PreparedText): boolean {
  for (const x of a.wordSet) {
    if (b.wordSet.has(x)) continue;
    for (const y of lexicon.opposites.get(x) ?? []) if (b.wordSet.has(y) && !a.wordSet.has(y)) return true;
  }
  return false;
}

function unmatchedNames(of: PreparedText, other: PreparedText, strangers: readonly string[], strict = false): number {
  let count = 0;
  for (const name of of.capitalised) {
    if (other.wordSet.has(name) || !strangers.includes(name)) continue;
    const numeral = NUMERALS.get(name);
    if (strict || numeral === undefined || !other.wordSet.has(numeral)) count++;
  }
  return count;
}

/** Share of pairs of common content words whose order differs. */
function inversions(a: PreparedText, b: PreparedText): number {
  const positions = new Map<string, number>();
  for (const [i, stem] of b.stems.entries()) if (!positions.has(stem)) positions.set(stem, i);
  const sequence: number[] = [];
  const seen = new Set<string>();
  for (const [i, stem] of a.stems.entries()) {
    const at = positions.get(stem);
    if (at === undefined || seen.has(stem) || STOP_WORDS.has(a.words[i] ?? '')) continue;
    seen.add(stem);
    sequence.push(at);
  }
  let swapped = 0;
  for (let i = 0; i < sequence.length; i++) {
    for (let j = i + 1; j < sequence.length; j++) if ((sequence[i] as number) > (sequence[j] as number)) swapped++;
  }
  const pairs = (sequence.length * (sequence.length - 1)) / 2;
  return pairs > 0 ? swapped / pairs : 0;
}

function swappedFromTo(a: PreparedText['fromTo'], b: PreparedText['fromTo']): boolean {
  if (a === null || b === null || a[0] === b[0]) return false;
  return a[0] === b[1] || b[0] === a[1] || a[0].split(' ')[0] === b[1].split(' ')[0];
}

/** A past habit or a change of state on one side, a comparison turned round, or active against passive. */
function rolesDiffer(a: PreparedText, b: PreparedText, jac: number, inv: number, sameContent: boolean): boolean {
  if ((pastHabit(a) !== pastHabit(b) || changesState(a) !== changesState(b)) && jac >= 0.5) return true;
  if (!sameContent) return false;
  if (a.wordSet.has('than') && b.wordSet.has('than') && inv > 0) return true;
  return a.wordSet.has('by') !== b.wordSet.has('by') && inv < 0.15;
}

function pastHabit({ words }: PreparedText): boolean {
  return words.some(
    (word, i) =>
      (word === 'used' || word === 'use') && words[i + 1] === 'to' && !AUXILIARY_WORDS.has(words[i - 1] ?? ''),
  );
}

const changesState = ({ words }: PreparedText): boolean => words.some((word) => STATE_CHANGE_WORDS.has(word));

/** One or two words differ, each by a typo, and just one of each two is a word that the table knows. */
function differsByTypos(table: WordTable, canonicalA: string, canonicalB: string): boolean {
  const a = canonicalA.split(' ');
  const b = canonicalB.split(' ');
  if (a.length !== b.length) return false;
  let differing = 0;
  for (const [i, left] of a.entries()) {
    const right = b[i] as string;
    if (left === right) continue;
    differing++;
    if (differing > 2 || !isTypo(left, right) || table.has(left) === table.has(right)) return false;
  }
  return differing > 0;
}
