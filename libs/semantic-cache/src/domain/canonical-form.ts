import { POLITE_WORDS } from './word-lists.js';
import { toAmerican, wordsOf } from './words.js';

const GREETING = /^(?:hi|hello|hey)(?: there| again| all| team)?[\s,!.:-]+/i;
const ANNOUNCEMENT = /^(?:quick question|question|one question)\s*[:,-]\s*/i;
const HELP = /^(?:could|can) you (?:please )?help me(?: out)?\s*[?.!:,]\s*/i;
const PLEASE = /^(?:please|kindly)[\s,]+/i;
const THANKS = /[\s,.!]+(?:please|thanks|thank you|thx|cheers)(?: in advance| so much| a lot)?[\s.!?]*$/i;

/** A prompt without the greeting before it and the thanks behind it; all of it when nothing else is left. */
export function bareText(text: string): string {
  let current = text.trim();
  let before: string;
  do {
    before = current;
    current = current
      .replace(GREETING, '')
      .replace(ANNOUNCEMENT, '')
      .replace(HELP, '')
      .replace(PLEASE, '')
      .replace(THANKS, '');
  } while (current !== before && current !== '');
  return current === '' ? before : current;
}

/** Words of the bare text without articles and politeness, in American spelling. Equal = the same question, mostly. */
export function canonicalText(text: string): string {
  return wordsOf(bareText(text))
    .map(toAmerican)
    .filter((word) => word !== 'a' && word !== 'an' && word !== 'the' && !POLITE_WORDS.has(word))
    .join(' ');
}
