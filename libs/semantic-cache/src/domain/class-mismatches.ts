import type { PreparedText } from './prepared-text.js';
import { FORMAT_WORDS, UNIT_WORDS, WEAK_TIME_WORDS } from './word-lists.js';

/** Differences in closed classes of words. 0 or 1, `whMis` also 0.5. */
export interface ClassMismatches {
  readonly numMis: number;
  readonly negMis: number;
  /** 1 = other question words, 0.5 = question words that may stand for each other. */
  readonly whMis: number;
  readonly timeMis: number;
  readonly unitMis: number;
  readonly fmtMis: number;
}

export function classMismatches(a: PreparedText, b: PreparedText): ClassMismatches {
  return {
    numMis: a.numbers === b.numbers ? 0 : 1,
    negMis: a.oddNegations === b.oddNegations ? 0 : 1,
    whMis: questionMismatch(a, b),
    timeMis: classDiffers(a, b, a.times, b.times, WEAK_TIME_WORDS) ? 1 : 0,
    unitMis: classDiffers(a, b, a.units, b.units, UNIT_WORDS) ? 1 : 0,
    fmtMis: classDiffers(a, b, a.formats, b.formats, FORMAT_WORDS) ? 1 : 0,
  };
}

/** "How do I" and "what is the best way to" may ask the same; "how much" may ask what "what" asks. */
const OPEN_QUESTIONS: ReadonlySet<string> = new Set(['', 'what', 'which', 'how']);

function interchangeable(a: string, b: string): boolean {
  if (a === '' || b === '') return true;
  const openA = OPEN_QUESTIONS.has(a);
  const openB = OPEN_QUESTIONS.has(b);
  return (
    (openA && openB) || (openA && b.startsWith('how ') && a !== 'how') || (openB && a.startsWith('how ') && b !== 'how')
  );
}

const compare = (x: string, y: string): number => (x === y ? 0 : interchangeable(x, y) ? 0.5 : 1);

function questionMismatch(a: PreparedText, b: PreparedText): number {
  let worst = compare(a.question, b.question);
  if (a.questions.length !== b.questions.length) return Math.max(worst, 0.5);
  for (const [i, question] of a.questions.entries()) worst = Math.max(worst, compare(question, b.questions[i] ?? ''));
  return worst;
}

/**
 * As long in both texts but not equal, or each text has a member that the other lacks, or one text has an extra
 * member that is not weak.
 */
function classDiffers(
  a: PreparedText,
  b: PreparedText,
  membersA: string,
  membersB: string,
  weak: ReadonlySet<string>,
): boolean {
  if (membersA === membersB) return false;
  const listA = membersA.split(' ');
  const listB = membersB.split(' ');
  if (listA.length === listB.length && membersA !== '' && membersB !== '') return true;
  const extraA = listA.filter((word) => word !== '' && !b.wordSet.has(word));
  const extraB = listB.filter((word) => word !== '' && !a.wordSet.has(word));
  if (extraA.length > 0 && extraB.length > 0) return true;
  return [...extraA, ...extraB].some((word) => !weak.has(word));
}
