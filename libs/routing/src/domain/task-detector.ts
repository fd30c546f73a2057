/** Tasks that are told from the text alone. Operators may name any other task in the header. */
export const DETECTED_TASKS = ['code', 'math', 'translation', 'extraction', 'chat'] as const;
export type DetectedTask = (typeof DETECTED_TASKS)[number];

const CODE_CERTAIN =
  /```|^diff --git |^@@ -\d+|^(?:\+\+\+|---) [ab]\/|Traceback \(most recent call last\)|^[ \t]{1,12}at [\w$.<>]{1,120} ?\([^)\n]{1,200}:\d+|#include\s*[<"]|^#!\/|\bSELECT\b[^;\n]{1,200}\bFROM\b/m;
const CODE_TOKEN =
  /\b(?:def|fn|func|function|class|struct|impl|const|let|var|return|import|async|await|public|private|void|lambda|enum|interface)\s+[\w$({]|=>|[;{}][ \t]{0,8}$|==|!=|\b\w{1,40}\(\w{0,40}\)|::|&&|\|\|/gm;
const CODE_WISH =
  /\b(?:code|function|method|class|script|program|algorithm|regex|sql|query|unit tests?|bug|compiler?|refactor|debug|implement|stack trace|data structure|api|concurrent|lock-free|thread-safe)\b/i;
const LANGUAGE =
  /\b(?:python|javascript|typescript|java|rust|golang|kotlin|swift|ruby|php|perl|haskell|scala|bash|powershell|sql|html|css|c\+\+|c#|react|node\.?js)(?![\w])/i;
const TRANSLATION =
  /\b(?:translat(?:e|es|ed|ion|ing))\b|\b(?:how (?:do|would) (?:you|i|we) say|what is|say)\b.{1,80}\bin (?:spanish|french|german|italian|portuguese|dutch|polish|russian|chinese|mandarin|japanese|korean|arabic|hindi|turkish|swedish|greek|latin|english)\b/i;
const EXTRACTION =
  /\b(?:extract|parse out|pull out|classify|categori[sz]e|label|tag)\b.{0,120}\b(?:from|in|of|as|into|following|text|entities|names?|dates?|fields?|json|sentiment|email|review|ticket)\b|\b(?:return|output|respond|answer)\b.{0,40}\b(?:as|in|with) (?:valid )?json\b/is;
const MATH_WORD =
  /\b(?:prove|proof|theorem|lemma|integral|derivative|equation|algebra|geometry|polynomial|matrix|eigenvalues?|probability|factori[sz]e|solve for|calculate|compute|simplify|arithmetic|topology|primes?|modulo|logarithm)\b/i;
const MATH_SIGN = /\\(?:frac|sqrt|sum|int|cdot|pi|begin)\b|[√∑∫≤≥±]|\d ?[+*/^=×÷] ?[\d(xyn]|\b[a-z] ?[=^] ?-?\d/;
const HOW_MANY =
  /\bhow (?:many|much|far|long|fast|old)\b|\bwhen (?:does|will|do)\b|\bwhat (?:percentage|fraction|is the total)\b/i;

/**
 * Tells the task of a prompt from its surface, in this order: `code`, `translation`, `math`, `extraction`, else `chat`.
 *
 * - `code`: a fence, a diff, a stack trace, an include or an SQL statement; or three code tokens; or a programming
 *   language together with something one programs.
 * - `translation`: the verb, or "how do you say … in Spanish".
 * - `math`: mathematical notation or vocabulary; or two numbers with a question for a quantity.
 * - `extraction`: pulling fields, labels or JSON out of a text.
 *
 * Deterministic, English-leaning, and a guess: a header `x-nextmodel-task` always wins over it.
 * @param text at most 4,000 characters are looked at.
 */
export function detectTask(text: string): DetectedTask {
  const seen = text.length > 4000 ? text.slice(0, 4000) : text;
  if (CODE_CERTAIN.test(seen)) return 'code';
  if (TRANSLATION.test(seen)) return 'translation';
  if (LANGUAGE.test(seen) && CODE_WISH.test(seen)) return 'code';
  if (countUpTo(seen, CODE_TOKEN, 3) >= 3) return 'code';
  if (MATH_SIGN.test(seen) || MATH_WORD.test(seen)) return 'math';
  if (countUpTo(seen, /\d+(?:[.,]\d+)?/g, 2) >= 2 && HOW_MANY.test(seen)) return 'math';
  if (EXTRACTION.test(seen)) return 'extraction';
  return 'chat';
}

function countUpTo(text: string, pattern: RegExp, enough: number): number {
  let count = 0;
  pattern.lastIndex = 0;
  while (count < enough && pattern.exec(text) !== null) count++;
  return count;
}
