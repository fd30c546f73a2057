import { isAboutText } from './text-operand.js';
import { POLITE_WORDS, STOP_WORDS } from './word-lists.js';
import { wordsOf } from './words.js';

/** About 1,000 tokens. Longer prompts match exactly or not at all. */
const CHARACTERS_MAX = 4_000;
const WORDS_MAX = 256;
const CONTENT_WORDS_MIN = 2;
/** Layout, not language; it would also make the patterns below slow. */
const LONG_RUN = /[\s.,!?:;-]{48}/;

const CODE =
  /```|~~~|^\s*(?:at .+\(.+:\d+(?::\d+)?\)|File ".+", line \d+|Traceback \(most recent)|\bException in thread\b|=>|[{};]\s*$|<\/?[a-z][^>]*>|\b(?:def|function|const|let|var|import|public|SELECT|INSERT|UPDATE|DELETE) [\w*.,"'`]+ ?(?:[=({:]|FROM|INTO|SET)/m;
const set = (text: string): ReadonlySet<string> => new Set(text.split(' '));
/** They point at something that the prompt does not carry. */
const POINTING = set('this these those above below following attached aforementioned latter');
const VARIETY = set('random randomly surprise');
const TIME_SENSITIVE =
  /\b(?:now|today|tonight|tomorrow|yesterday|latest|current|currently|recent|recently|newest|nowadays|upcoming|live|breaking)\b/i;
/** Small words of other languages in Latin script that are no English words. */
const FOREIGN = set(
  'le les du une est et que qui dans pour sur avec je vous nous comment quel quelle pourquoi el los las una es como para ' +
    'por con qué cómo donde cual porque der das ein eine ist und nicht wie kann ich wir mit für von auf wo warum il lo gli ' +
    'di che è sono mio come dove perché o os as um uma não meu você onde de het een hoe niet ik mijn waar',
);
/** Of these one alone says nothing, because English uses them too. */
const AMBIGUOUS = set('le die das come o as de es con per do');

/** Can the text be matched by its normal form? Not when it is code, long or without words, or speaks of text itself. */
export function isNormalisable(text: string): boolean {
  return (
    text.length <= CHARACTERS_MAX &&
    !LONG_RUN.test(text) &&
    !CODE.test(text) &&
    /[\p{L}\p{N}]/u.test(text) &&
    !isAboutText(text)
  );
}

/** Why a text must not be matched by meaning; `null` when it may. The builtin verifier knows English only. */
export function semanticTextRefusal(text: string): string | null {
  if (text === '') return 'not_text';
  if (text.length > CHARACTERS_MAX) return 'length';
  if (LONG_RUN.test(text) || CODE.test(text)) return 'code';
  if (/[\u0250-\u1fff\u2070-\u209f\u20c0-\uffff]/.test(text)) return 'language';
  const words = wordsOf(text);
  if (words.length > WORDS_MAX) return 'length';
  if (isAboutText(text)) return 'about_text';
  if (words.some((word) => POINTING.has(word))) return 'pointing';
  if (words.some((word) => VARIETY.has(word))) return 'variety';
  if (isForeign(words)) return 'language';
  const content = new Set(words.filter((word) => !STOP_WORDS.has(word) && !POLITE_WORDS.has(word)));
  return content.size < CONTENT_WORDS_MIN ? 'few_words' : null;
}

function isForeign(words: readonly string[]): boolean {
  let foreign = 0;
  let english = 0;
  for (const word of words) {
    if (FOREIGN.has(word)) foreign += AMBIGUOUS.has(word) ? 0.5 : 1;
    else if (STOP_WORDS.has(word)) english++;
  }
  return foreign >= 1 && foreign > english;
}

/** Does the answer age within minutes? */
export function isTimeSensitive(text: string): boolean {
  return TIME_SENSITIVE.test(text);
}
