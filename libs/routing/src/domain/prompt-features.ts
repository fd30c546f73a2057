/*
 * Features of a prompt, in one pass over the text. The training tool reads this very file, so that training and
 * serving cannot drift apart: it imports nothing. All results are integers.
 */

const BUCKET_BITS = 16;
export const BUCKETS = 1 << BUCKET_BITS;
/** Words seen in training are a set of this many bits. */
export const SEEN_BITS = 18;
const TEXT_MAX = 4000;
/** Raise when the features of a text change: an artefact of another version is not used. */
export const FEATURE_VERSION = 1;

const LEXICON: readonly (readonly [string, string])[] = [
  [
    'code',
    'def function class return select include import python javascript typescript java sql regex rust golang kotlin ' +
      'algorithm implement code bug debug compile refactor script api html css thread mutex lock concurrent async ' +
      'deadlock complexity struct pointer recursion query unit test exception stack array',
  ],
  [
    'reason',
    'prove proof derive explain why justify analyse analyze analysis compare contrast evaluate deduce infer therefore ' +
      'because argue step implication implications tradeoff tradeoffs trade design optimise optimize calculate ' +
      'compute determine solve show critique reconcile independent rigorous formally strategy architecture plan',
  ],
  ['negation', 'not except incorrect false least never cannot without unless neither nor'],
  [
    'condition',
    'if then when suppose assume given each every total remaining twice half percent ratio per while until whenever',
  ],
  [
    'technical',
    'theorem hypothesis equilibrium enzyme statute plaintiff defendant jurisdiction voltage quantum molecular ' +
      'molecule polynomial matrix integral derivative kinase syndrome etiology liability amortization regression ' +
      'eigenvalue isotope entropy algebra topology geometry calculus primes lemma axiom probability variance ' +
      'linearizability distributed consensus cryptography',
  ],
  ['limit', 'must exactly most more only should ensure format json table bullet constraint constraints'],
  ['question', 'what which who whom where'],
  ['social', 'hi hello hey thanks thank bye goodbye please ok okay yes sorry cheers welcome morning night'],
  [
    'plain',
    'translate translation spell define synonym antonym rhyme rephrase rewrite summarise summarize shorten ' +
      'proofread capital colour color joke recipe weather greeting title headline',
  ],
];

/** What the hand-made rules count; the weights of an artefact's rules stand in this order. */
export const RULE_NAMES = [
  'characters',
  'words',
  'numbers',
  'operators',
  'latex',
  'long_words',
  ...LEXICON.map(([name]) => name),
] as const;
const FIRST_LEXICON = 6;

const WORD_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;
const wordHash = (word: string): number => {
  let hash = WORD_BASIS;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), PRIME);
  return hash;
};
const ruleOfWord = new Map<number, number>(
  LEXICON.flatMap(([, words], at) => words.split(' ').map((word) => [wordHash(word), FIRST_LEXICON + at] as const)),
);
const CODE_RULE = RULE_NAMES.indexOf('code');

/** Buffers of one extraction; valid until the next one with the same buffers. */
export interface PromptFeatures {
  /** Buckets that occur, `bucketCount` of them; their frequencies stand in `frequency`. */
  readonly buckets: Uint32Array;
  readonly frequency: Uint16Array;
  bucketCount: number;
  /** Hashes of the words in order; digits alone are none. */
  readonly words: Uint32Array;
  wordCount: number;
  /**
   * Bucket of each word and word pair in order. Words of the lexicon have their place in the text, all others an empty
   * one: an explanation is recorded, and what is recorded must not give prompts away.
   */
  readonly tokenBucket: Uint32Array;
  readonly tokenFrom: Uint16Array;
  readonly tokenTo: Uint16Array;
  tokenCount: number;
  /** One count for each of `RULE_NAMES`. */
  readonly rules: Int32Array;
  /** UTF-16 units outside ASCII. */
  foreign: number;
  readonly codes: Uint16Array;
}

export function createPromptFeatures(): PromptFeatures {
  return {
    buckets: new Uint32Array(TEXT_MAX * 6 + 64),
    frequency: new Uint16Array(BUCKETS),
    bucketCount: 0,
    words: new Uint32Array(TEXT_MAX),
    wordCount: 0,
    tokenBucket: new Uint32Array(TEXT_MAX * 2),
    tokenFrom: new Uint16Array(TEXT_MAX * 2),
    tokenTo: new Uint16Array(TEXT_MAX * 2),
    tokenCount: 0,
    rules: new Int32Array(RULE_NAMES.length),
    foreign: 0,
    codes: new Uint16Array(TEXT_MAX),
  };
}

/** The text that is looked at: NFC, at most 4,000 UTF-16 units. ASCII is lower-cased while it is read. */
export function canonicalText(text: string): string {
  const cut = text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) : text;
  const normal = cut.normalize('NFC');
  return normal.length > TEXT_MAX ? normal.slice(0, TEXT_MAX) : normal;
}

const mix = (value: number): number => {
  let hash = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
};
const pairHash = (first: number, second: number): number => mix(Math.imul(first, 31) ^ second ^ 0x5bd1e995);
const isWord = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 48 && code <= 57) ||
  (code > 127 && code !== 8217 && code !== 8220 && code !== 8221);

/**
 * Counts words, word pairs, punctuation, and character 3- to 5-grams into buckets, and what the rules look at.
 * `clearFeatures` must follow before the next extraction.
 * @param text canonical.
 */
export function extractFeatures(text: string, into: PromptFeatures): void {
  const { codes, rules, buckets, frequency } = into;
  const length = readCodes(text, codes);
  let count = 0;
  const add = (hash: number): void => {
    const bucket = hash & (BUCKETS - 1);
    if (frequency[bucket]!++ === 0) buckets[count++] = bucket;
  };
  rules.fill(0);
  into.wordCount = 0;
  into.tokenCount = 0;
  into.foreign = 0;
  const token = (bucket: number, from: number, to: number): void => {
    into.tokenBucket[into.tokenCount] = bucket & (BUCKETS - 1);
    into.tokenFrom[into.tokenCount] = from;
    into.tokenTo[into.tokenCount++] = to;
  };
  let previous = 0;
  let hash = WORD_BASIS;
  let run = 0;
  let letters = 0;
  for (let i = 0; i <= length; i++) {
    const code = i < length ? codes[i]! : 32;
    if (isWord(code)) {
      hash = Math.imul(hash ^ code, PRIME);
      run++;
      if (code > 57) letters++;
      if (code > 127) into.foreign++;
      continue;
    }
    if (run > 0) {
      const word = mix(hash);
      add(word);
      if (letters === 0) rules[2]!++;
      else into.words[into.wordCount++] = word;
      if (previous !== 0) {
        const pair = pairHash(previous, hash);
        add(pair);
        token(pair, 0, 0);
      }
      rules[1]!++;
      if (run >= 10) rules[5]!++;
      const rule = ruleOfWord.get(hash);
      if (rule === undefined) token(word, 0, 0);
      else {
        rules[rule]!++;
        token(word, i - run, i);
      }
      previous = hash;
      hash = WORD_BASIS;
      run = 0;
      letters = 0;
    }
    if (code === 32 || i >= length) continue;
    add(mix(code * 7919 + 13));
    if (code === 92) rules[4]!++;
    else if (code === 61 || code === 43 || code === 42 || code === 94 || code === 60 || code === 62) rules[3]!++;
    else if (code === 123 || code === 125 || code === 59 || code === 96) rules[CODE_RULE]!++;
  }
  rules[0] = length;
  for (let i = 0; i + 2 < length; i++) {
    let gram = Math.imul(
      Math.imul(Math.imul(0x9747b28c ^ codes[i]!, PRIME) ^ codes[i + 1]!, PRIME) ^ codes[i + 2]!,
      PRIME,
    );
    add(mix(gram ^ (2 << 20)));
    if (i + 3 >= length) continue;
    gram = Math.imul(gram ^ codes[i + 3]!, PRIME);
    add(mix(gram ^ (3 << 20)));
    if (i + 4 >= length) continue;
    gram = Math.imul(gram ^ codes[i + 4]!, PRIME);
    add(mix(gram ^ (4 << 20)));
  }
  into.bucketCount = count;
}

function readCodes(text: string, codes: Uint16Array): number {
  const length = Math.min(text.length, TEXT_MAX);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    codes[i] = code >= 65 && code <= 90 ? code + 32 : code < 32 ? 32 : code;
  }
  return length;
}

/** Sets the touched frequencies back to zero. */
export function clearFeatures(features: PromptFeatures): void {
  for (let i = 0; i < features.bucketCount; i++) features.frequency[features.buckets[i]!] = 0;
  features.bucketCount = 0;
}

/** Is the hash of a word in the set of those seen in training? */
export const isSeen = (seen: Uint8Array, hash: number): boolean => {
  const bit = hash >>> (32 - SEEN_BITS);
  return ((seen[bit >>> 3]! >>> (bit & 7)) & 1) === 1;
};
