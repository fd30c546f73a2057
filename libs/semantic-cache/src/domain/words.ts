import { AMERICAN_SPELLING, CONTRACTIONS, NUMERALS } from './word-lists.js';

const TOKEN = /[a-z]+(?:'[a-z]+)?|\d+(?:[.,:]\d+)*|[#+$€£%]|[\u0080-\uffff]+/g;

export const startsWithDigit = (word: string): boolean => {
  const code = word.charCodeAt(0);
  return code >= 48 && code <= 57;
};

/** The words of a text: lower case, contractions and numerals written out, punctuation gone, `# + $ € £ %` kept. */
export function wordsOf(text: string): string[] {
  const found: string[] = [];
  for (const token of text.toLowerCase().replace(/[’‘]/g, "'").match(TOKEN) ?? []) {
    const written = CONTRACTIONS.get(token);
    if (written !== undefined) {
      found.push(...written.split(' '));
      continue;
    }
    if (token.endsWith("n't")) {
      if (token.length > 3) found.push(token.slice(0, -3));
      found.push('not');
      continue;
    }
    const apostrophe = token.indexOf("'");
    let word = apostrophe < 0 ? token : token.slice(0, apostrophe);
    word = NUMERALS.get(word) ?? word;
    if (startsWithDigit(word)) word = word.replace(/,/g, '').replace(/[.:]+$/, '');
    if (word !== '') found.push(word);
  }
  return found;
}

export const toAmerican = (word: string): string => AMERICAN_SPELLING.get(word) ?? word;

const SUFFIXES: readonly (readonly [string, string])[] = [
  ['ies', 'y'],
  ['sses', 'ss'],
  ['ing', ''],
  ['edly', ''],
  ['ed', ''],
  ['es', ''],
  ['ly', ''],
  ['s', ''],
];

const STEMS_MAX = 50_000;
const stems = new Map<string, string>();

/** A word without its ending, so that inflections of one word are equal. Crude on purpose; numbers stay. */
export function stemOf(word: string): string {
  let stem = stems.get(word);
  if (stem === undefined) {
    stem = computeStem(word);
    if (stems.size < STEMS_MAX) stems.set(word, stem);
  }
  return stem;
}

function computeStem(word: string): string {
  let stem = toAmerican(word);
  if (stem.length <= 3 || startsWithDigit(stem)) return stem;
  for (const [suffix, replacement] of SUFFIXES) {
    if (!stem.endsWith(suffix) || stem.length - suffix.length < 3 || (suffix === 's' && stem.endsWith('ss'))) continue;
    stem = stem.slice(0, -suffix.length) + replacement;
    const last = stem.at(-1) ?? '';
    if (stem.length > 2 && last === stem.at(-2) && !'lsz'.includes(last)) stem = stem.slice(0, -1);
    break;
  }
  return stem.length > 3 ? stem.replace(/e+$/, '') : stem;
}

/** One edit, or one swap of neighbours, between words of five letters or more with the same first letter. */
export function isTypo(a: string, b: string): boolean {
  if (a[0] !== b[0] || Math.min(a.length, b.length) < 5 || Math.abs(a.length - b.length) > 1) return false;
  if (a.length === b.length) {
    const differs: number[] = [];
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) differs.push(i);
    const [first, second] = differs;
    if (differs.length === 1) return true;
    return (
      differs.length === 2 &&
      first !== undefined &&
      second === first + 1 &&
      a[first] === b[second] &&
      a[second] === b[first]
    );
  }
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  let i = 0;
  while (i < short.length && short[i] === long[i]) i++;
  return short.slice(i) === long.slice(i + 1);
}
