import type { PairFeatures } from './pair-features.js';
import type { PreparedText } from './prepared-text.js';

const GENDERED = new Set('he him his himself she her hers herself'.split(' '));

/**
 * Who does what to whom: differences that the trained score does not see. Checked besides the vetoes that belong to
 * the features; like them a needless one costs a miss.
 */
export function referenceVetoOf(features: PairFeatures, a: PreparedText, b: PreparedText): string | null {
  if (pronouns(a) !== pronouns(b)) return 'pronoun';
  return features.inv > 0 && features.sumunS === 0 && orderMatters(a, b) ? 'order' : null;
}

const pronouns = ({ words }: PreparedText): string =>
  words
    .filter((word) => GENDERED.has(word))
    .sort()
    .join(' ');

/** The same words in another order, or the same names in another order. */
function orderMatters(a: PreparedText, b: PreparedText): boolean {
  if (a.words.toSorted().join(' ') === b.words.toSorted().join(' ')) return true;
  const names = ({ words }: PreparedText): string =>
    words.filter((word) => a.capitalised.has(word) && b.capitalised.has(word)).join(' ');
  return names(a) !== names(b);
}
