import { bareText } from './canonical-form.js';
import { withPronoun } from './normal-form.js';
import { isOpener } from './opening-words.js';
import { isAboutText } from './text-operand.js';
import { AMERICAN_SPELLING, POLITE_WORDS, STOP_WORDS } from './word-lists.js';

const WORD = /[\p{L}\p{N}]+(?:'\p{L}+)*/gu;
const REPEATED = /\b(a|an|the|please|thanks|thank|kindly|hi|hello|hey)\b[\s,.!]+\1\b/i;
const VARIETY_OF_ENGLISH = /\b(?:british|american|canadian|australian|commonwealth|english|uk|us|usa)\b/i;
/** Spellings that are also words of their own. */
const OTHER_WORDS = new Set('cheque tyre metre programme practise licence'.split(' '));
const GREETINGS = new Set(['hi', 'hello', 'hey']);
const BEFORE_PLEASE = new Set(['you', 'i', 'we']);
/** Small words that end a sentence by themselves. */
const SENTENCE_ENDS = new Set(['it', 'me', 'this', 'that', 'up', 'out']);
const AFTER_THANKS = new Set(['you', 'in', 'advance', 'so', 'much', 'a', 'lot']);

const opens = (word: string | undefined): boolean => isOpener((word ?? '').replace(/'.*/, ''));

/** What of a text's form the broad canonical form takes away although an answer may depend on it. */
export interface TextForm {
  readonly aboutText: boolean;
  readonly repeats: boolean;
  /** Lower-case word → the ways in which it is written, sorted; without a first word that says nothing. */
  readonly cases: ReadonlyMap<string, string>;
  /** Articles with a capital within the text: parts of names. */
  readonly namedArticles: string;
  /** Words of politeness that stand where they may be meant. */
  readonly meantCourtesy: string;
  readonly exclamations: number;
  readonly spellings: readonly string[];
  readonly spellingMatters: boolean;
}

export function formOf(text: string): TextForm {
  const plain = withPronoun(text.trim().replace(/\s+/g, ' ').replace(/[’‘]/g, "'"));
  const words = plain.match(WORD) ?? [];
  const lower = words.map((word) => word.toLowerCase());
  const inner = words.filter((_, i) => i > 0 || !opens(lower[0]));
  const spellings = lower.map((word) => word.replace(/s$/, '')).filter((word) => AMERICAN_SPELLING.has(word));
  return {
    aboutText: isAboutText(text),
    repeats: REPEATED.test(plain),
    cases: casesOf(inner),
    namedArticles: words
      .slice(1)
      .filter((word) => /^(?:The|An)$/.test(word))
      .join(' '),
    meantCourtesy: meantCourtesy(lower),
    exclamations: bareText(plain).split('!').length,
    spellings,
    spellingMatters: VARIETY_OF_ENGLISH.test(plain) || spellings.some((word) => OTHER_WORDS.has(word)),
  };
}

function casesOf(words: readonly string[]): ReadonlyMap<string, string> {
  const cases = new Map<string, Set<string>>();
  for (const word of words) {
    const key = word.toLowerCase();
    const known = cases.get(key);
    if (known === undefined) cases.set(key, new Set([word]));
    else known.add(word);
  }
  return new Map([...cases].map(([key, ways]) => [key, [...ways].sort().join(' ')]));
}

/** A greeting before an opening word, a "please" after "you" or before one, and thanks at the end mean nothing. */
function meantCourtesy(words: readonly string[]): string {
  const end = lastCourtesy(words);
  const greeted = greetingLength(words);
  return words
    .filter((word, i) => {
      if (!POLITE_WORDS.has(word)) return false;
      if (i >= end) return false;
      if (GREETINGS.has(word)) return i !== 0 || greeted === 0;
      if (word !== 'please' && word !== 'kindly') return true;
      return !(BEFORE_PLEASE.has(words[i - 1] ?? '') || (i === greeted && opens(words[i + 1])));
    })
    .join(' ');
}

function greetingLength(words: readonly string[]): number {
  if (!GREETINGS.has(words[0] ?? '')) return 0;
  const length = ['there', 'again', 'all', 'team'].includes(words[1] ?? '') ? 2 : 1;
  return opens(words[length]) ? length : 0;
}

/** Where the thanks at the end begin; behind a small word they would be what it speaks of. */
function lastCourtesy(words: readonly string[]): number {
  let end = words.length;
  while (end > 0 && (POLITE_WORDS.has(words[end - 1] ?? '') || AFTER_THANKS.has(words[end - 1] ?? ''))) end--;
  while (end < words.length && !POLITE_WORDS.has(words[end] ?? '')) end++;
  const before = words[end - 1] ?? 'the';
  return STOP_WORDS.has(before) && !SENTENCE_ENDS.has(before) ? words.length : end;
}

/** Why two texts must not be taken for the same question, however alike their words; `null` = no reason. */
export function formDoubtOf(a: TextForm, b: TextForm): string | null {
  if (a.aboutText || b.aboutText) return 'about_text';
  if (a.repeats || b.repeats) return 'repeated';
  if (a.namedArticles !== b.namedArticles || casesDiffer(a.cases, b.cases)) return 'case';
  if (a.meantCourtesy !== b.meantCourtesy) return 'politeness';
  if (a.exclamations !== b.exclamations) return 'exclamation';
  return (a.spellingMatters || b.spellingMatters) && a.spellings.join(' ') !== b.spellings.join(' ')
    ? 'spelling'
    : null;
}

function casesDiffer(a: TextForm['cases'], b: TextForm['cases']): boolean {
  for (const [word, ways] of a) {
    const others = b.get(word);
    if (others !== undefined && others !== ways) return true;
  }
  return false;
}
