import type { PreparedText } from './prepared-text.js';

/** "flickr" beside "flicker": a name made by leaving out a letter, not a slip. */
const CLIPPED = /[^aeiou]r$/;

/** Could a word in which two otherwise equal texts differ be a name instead of a misspelling? Then both may be right. */
export function mayBeNames(a: PreparedText, b: PreparedText): boolean {
  const right = b.canonical.split(' ');
  return a.canonical.split(' ').some((word, i) => {
    const other = right[i] ?? '';
    if (word === other) return false;
    return isName(word, a, b) || isName(other, a, b) || CLIPPED.test(word) !== CLIPPED.test(other);
  });
}

const isName = (word: string, a: PreparedText, b: PreparedText): boolean =>
  a.capitalised.has(word) || b.capitalised.has(word);
