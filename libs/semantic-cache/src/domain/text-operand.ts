/** A colon with something behind it that is no time, ratio or address. */
const OPERAND = /(?<!\d):|:(?!\d)/;
const QUOTATION = /["“”„«»‹›`]|(?:^|[\s([{])['‘]\S/;
const LINE_BREAK = /[\r\n\u2028\u2029]/;
const ABOUT_TEXT = new RegExp(
  `\\b(?:${[
    'translat\\w*|transliterat\\w*|transcrib\\w*|fix(?:e[sd]|ing)?|correct\\w*|count(?:s|ed|ing)?|rewrit\\w*|rewrote',
    'rephras\\w*|reword\\w*|paraphras\\w*|spell\\w*|spelt|misspel\\w*|proof-?read\\w*|edit(?:s|ed|ing)?',
    'capitali[sz]\\w*|capital letters?|(?:upper|lower|title|camel|snake)[ -]?case\\w*|case-?(?:in)?sensitiv\\w*',
    'pronounc\\w*|pronunciations?|letters?|characters?|chars?|words?|wordings?|synonyms?|antonyms?|homonyms?',
    'homophones?|says?|saying|said|repeat\\w*|echo|revers(?:e[sd]?|ing)|syllables?|vowels?|consonants?|rhym\\w*',
    'sentences?|phras(?:e[sd]?|ing)|grammar\\w*|grammatical\\w*|punctuat\\w*|hyphenat\\w*|abbreviat\\w*|acronyms?',
    'conjugat\\w*|plurals?|nouns?|verbs?|adverbs?|adjectives?|prepositions?|pronouns?|palindromes?|anagrams?|typos?',
    'quot(?:e[sd]?|ing|ations?)|alphabeti[sz]\\w*|tokeni[sz]\\w*|tokens?',
  ].join('|')})\\b`,
  'i',
);
const LEADING_TASK =
  /^(?:please |kindly |(?:can|could|would|will) you (?:please )?)?(?:polish|improve|complete|continue|finish|check|shorten|print|type|sort|format|parse|encode|decode)\b/i;

/**
 * Is the text itself what the task works on, or does it carry something quoted? Then every article, mark, capital and
 * kind word in it may be the matter, and only the very same text is the same question.
 */
export function isAboutText(text: string): boolean {
  const trimmed = text.trim();
  return (
    OPERAND.test(trimmed) ||
    QUOTATION.test(trimmed) ||
    LINE_BREAK.test(trimmed) ||
    ABOUT_TEXT.test(trimmed) ||
    LEADING_TASK.test(trimmed)
  );
}
