import { bareText } from './canonical-form.js';

const SYMBOLS = /[^\w\s.,!?'";:$#+%\-\u0080-\uffff]|_/g;
/** Not a hyphen: no letter on either side, or between a number and a lone letter. */
const MINUS = /(?<![a-z])-(?![a-z])|\d-(?=[a-z]\b)/gi;
const LEADING_POINT = /(?<!\d)\.(?=[a-z\d])|\.(?=[a-z])/gi;
const COMMA_IN_NUMBER = /\d,(?=\d)(?!\d{3}(?!\d))/g;
const POLITE = /\b(?:hi|hello|hey|thanks|thank|kindly)\b/gi;
const NAMED_PLEASE =
  /\b(?:say|saying|said|word|mean|means|spell|translate|write|pronounce) ["'“‘]?please\b|\bplease["'”’]? means?\b/i;
const LETTERED =
  /\b(?:vitamins?|hepatitis|influenza|plan|type|class|grade|group|option|part|section|team|level|appendix|blood|point|schedule|model|exhibit|note|string|hall|gate|terminal|block|drive) (?:a|an|the)\b/gi;
const LAST_ARTICLE = /\b(?:a|an|the)["')\]]*[.?!]*$/i;
/** Names and places that are small words in lower case. */
const ACRONYM = /\b(?:AM|AND|ARE|AS|AT|CAN|IN|IS|IT|MAY|ME|ON|OR|SO|US|WHO|WILL)\b/g;
const LONE_CAPITAL_A = /(?<![.!?:\n"]\s*)(?<!^)\bA\b/g;
const WORD = /[A-Za-z]+/g;
/** From this share of capitalised words on, capitals are a style and say nothing. */
const TITLE_CASE_SHARE = 0.6;

/**
 * What the words of a text do not show, but a reader sees: operators, signs, brackets, named letters, acronyms that
 * look like small words. Texts whose marks differ are never taken for the same, however alike their words are.
 * Conservative: a needless difference costs a miss.
 */
export function significantMarks(text: string): string {
  const bare = bareText(text);
  const marks: string[] = bare.match(SYMBOLS) ?? [];
  const add = (kind: string, pattern: RegExp): void => {
    for (const match of bare.match(pattern) ?? []) marks.push(kind + match.toLowerCase());
  };
  add('m', MINUS);
  add('p', LEADING_POINT);
  add('c', COMMA_IN_NUMBER);
  add('w', POLITE);
  add('l', LETTERED);
  if (NAMED_PLEASE.test(bare)) marks.push('please');
  if (LAST_ARTICLE.test(bare)) marks.push('article');
  if (capitalsMatter(bare)) {
    add('A', ACRONYM);
    add('A', LONE_CAPITAL_A);
  }
  return marks.join(' ');
}

function capitalsMatter(text: string): boolean {
  const words = text.match(WORD) ?? [];
  let capitalised = 0;
  for (const word of words) if (word.charCodeAt(0) < 97) capitalised++;
  return capitalised < words.length * TITLE_CASE_SHARE;
}
