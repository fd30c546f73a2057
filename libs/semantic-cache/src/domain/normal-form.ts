import { isOpener, QUESTION_OPENERS } from './opening-words.js';

const SPACES = /[^\S\r\n]+/g;
/** Between letters they are spellings of one character; alone they may be what is asked about. */
const APOSTROPHE = /(?<=\p{L})[’ʼ](?=\p{L})/gu;
const HYPHEN = /(?<=\p{L})[‐‑](?=\p{L})/gu;
const CONTRACTED_I = /(?<![\p{L}\p{N}'_-])i(?='(?:m|ve|d|ll)\b)/gu;
const I_BEFORE_VERB =
  /(?<![\p{L}\p{N}'_-])(?<![+*/=-] )i(?= (?:am|was|have|had|need|want|would|can|could|should|will|did|do|don't|can't|cannot) )/gu;
const I_AFTER_AUXILIARY =
  /(?<=\b(?:[Dd]o|[Dd]id|[Cc]an|[Cc]ould|[Ss]hould|[Ww]ould|[Mm]ay|[Mm]ight|[Mm]ust|[Aa]m|[Hh]ave) )i(?= (?!and\b|or\b|be\b|in\b|is\b)\p{Ll}{2})/gu;
const I_AT_HEAD =
  /^i(?= (?!and\b|or\b|be\b|in\b|is\b|as\b|of\b|to\b|from\b|over\b|times\b|plus\b|minus\b|equals\b)\p{Ll}{2})/u;
const FIRST_WORD = /^(\p{L}+)(?:'\p{Ll}+)?(?=[\s,]|$)/u;

/** `i` as the pronoun that it surely is; other lone letters stay. */
export function withPronoun(text: string): string {
  return text
    .replace(CONTRACTED_I, 'I')
    .replace(I_AT_HEAD, 'I')
    .replace(I_BEFORE_VERB, 'I')
    .replace(I_AFTER_AUXILIARY, 'I');
}

/**
 * A text without what no answer depends on: white space, the kind of apostrophe and hyphen within words, the capital of
 * a first word that is no name, the pronoun `i`, and one full stop or question mark at the end. Nothing else, and in
 * doubt less: a needless difference costs a miss, a needless equality a wrong answer. An exclamation mark stays, for
 * `5!` and `println!` are no `5` and `println`.
 */
export function normalForm(text: string): string {
  const plain = withPronoun(
    text.trim().replace(SPACES, ' ').replace(APOSTROPHE, "'").replace(HYPHEN, '-').normalize('NFC'),
  );
  const first = FIRST_WORD.exec(plain)?.[1] ?? '';
  const opener = first.toLowerCase();
  const folds = isOpener(opener) && first.slice(1) === opener.slice(1);
  const lowered = folds ? opener + plain.slice(first.length) : plain;
  return withoutEndMark(lowered, QUESTION_OPENERS.has(opener));
}

/** Without a question word, a question mark is what makes a sentence a question. */
function withoutEndMark(text: string, question: boolean): string {
  const mark = text.at(-1);
  if (mark !== '.' && !(mark === '?' && question)) return text;
  const rest = text.slice(0, -1).trimEnd();
  return rest === '' || /[.?!…]$/.test(rest) ? text : rest;
}
