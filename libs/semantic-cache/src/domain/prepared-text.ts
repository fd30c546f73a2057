import { canonicalText } from './canonical-form.js';
import type { WordTable } from './static-embedding.js';
import {
  FORMAT_WORDS,
  HOW_MEASURES,
  NEGATION_WORDS,
  POLITE_WORDS,
  QUESTION_WORDS,
  STOP_WORDS,
  TIME_WORDS,
  UNIT_WORDS,
} from './word-lists.js';
import { startsWithDigit, stemOf, wordsOf } from './words.js';

/** One side of a pair with all that can be computed without the other. Keep it for stored questions. */
export interface PreparedText {
  readonly words: readonly string[];
  readonly stems: readonly string[];
  readonly wordSet: ReadonlySet<string>;
  /** Content words: stem → the first word with it. */
  readonly content: ReadonlyMap<string, string>;
  /** Sum of the content words' weights. */
  readonly contentWeight: number;
  /** Sorted members of a closed class, joined by spaces. */
  readonly numbers: string;
  readonly times: string;
  readonly units: string;
  readonly formats: string;
  readonly unknownWords: string;
  readonly oddNegations: boolean;
  /** First question word, `how` with its measure; empty without one. */
  readonly question: string;
  readonly questions: readonly string[];
  readonly capitalised: ReadonlySet<string>;
  readonly trigrams: ReadonlyMap<string, number>;
  readonly trigramLength: number;
  readonly stemBigrams: ReadonlySet<string>;
  readonly stopWords: ReadonlySet<string>;
  /** Stems of x and y in "from x to y". */
  readonly fromTo: readonly [string, string] | null;
  readonly canonical: string;
  /** Table rows of the distinct known words. */
  readonly rows: readonly number[];
  readonly vector: Float64Array;
}

const FROM_TO = /\bfrom ([\w$]+(?: [\w$]+)?) to ([\w$]+(?: [\w$]+)?)\b/i;
const NAME = /[A-Za-z][A-Za-z0-9.+#-]*/g;

export function prepareText(table: WordTable, text: string): PreparedText {
  const words = wordsOf(text).filter((word) => !POLITE_WORDS.has(word));
  const wordSet = new Set(words);
  const stems = words.map(stemOf);
  const content = new Map<string, string>();
  let contentWeight = 1e-6;
  for (const [i, word] of words.entries()) {
    const stem = stems[i] as string;
    if (STOP_WORDS.has(word) || content.has(stem)) continue;
    content.set(stem, word);
    contentWeight += table.weight(word);
  }
  const members = (of: ReadonlySet<string>): string => sorted(words.filter((word) => of.has(word)));
  const trigrams = trigramsOf(` ${words.join(' ')} `);
  let squares = 0;
  for (const count of trigrams.values()) squares += count * count;
  const fromTo = FROM_TO.exec(text);
  const rows: number[] = [];
  for (const word of wordSet) {
    const row = table.indexOf(word);
    if (row !== undefined) rows.push(row);
  }
  return {
    words,
    stems,
    wordSet,
    content,
    contentWeight,
    numbers: sorted(words.filter(startsWithDigit)),
    times: members(TIME_WORDS),
    units: members(UNIT_WORDS),
    formats: members(FORMAT_WORDS),
    unknownWords: sorted(words.filter((word) => !table.has(word) && !startsWithDigit(word))),
    oddNegations: (words.filter((word) => NEGATION_WORDS.has(word)).length & 1) === 1,
    question: questionAt(
      words,
      words.findIndex((word) => QUESTION_WORDS.has(word)),
    ),
    questions: words.flatMap((word, i) => (QUESTION_WORDS.has(word) ? [questionAt(words, i)] : [])),
    capitalised: text === text.toUpperCase() ? new Set() : capitalisedIn(text),
    trigrams,
    trigramLength: Math.sqrt(squares) || 1,
    stemBigrams: new Set(stems.slice(1).map((stem, i) => `${stems[i]} ${stem}`)),
    stopWords: new Set(words.filter((word) => STOP_WORDS.has(word))),
    fromTo: fromTo === null ? null : [stemsOf(fromTo[1]), stemsOf(fromTo[2])],
    canonical: canonicalText(text),
    rows,
    vector: table.embed(text),
  };
}

const stemsOf = (part: string | undefined): string =>
  wordsOf(part ?? '')
    .map(stemOf)
    .join(' ');

const sorted = (words: string[]): string => words.sort().join(' ');

function questionAt(words: readonly string[], at: number): string {
  const word = words[at];
  if (word === undefined) return '';
  if (word === 'how') {
    const next = words[at + 1] ?? '';
    return HOW_MEASURES.has(next) ? `how ${next}` : 'how';
  }
  return word === 'whom' || word === 'whose' ? 'who' : word;
}

/** Names: capitalised after the first word, or with two capitals anywhere. */
function capitalisedIn(text: string): Set<string> {
  const names = new Set<string>();
  for (const [i, word] of (text.match(NAME) ?? []).entries()) {
    const initial = i > 0 && /^[A-Z]/.test(word) && word !== 'I';
    if (initial || (word.match(/[A-Z]/g) ?? []).length >= 2) names.add(word.toLowerCase().replace(/\.$/, ''));
  }
  return names;
}

function trigramsOf(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + 2 < text.length; i++) {
    const gram = text.slice(i, i + 3);
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}
