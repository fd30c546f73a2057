import { startsWithDigit, wordsOf } from './words.js';

/** The four parts of the word table; see `assets/semantic-cache/README.md` for the format. */
export interface WordTableParts {
  readonly words: readonly string[];
  readonly dimensions: number;
  /** Row-major, one row a word. */
  readonly rows: Int8Array;
  /** Word vector = scale × row. */
  readonly scale: Float32Array;
  readonly idf: Float32Array;
}

/** Weight of a word that the table does not know: rare, so heavy; symbols and numbers a little less. */
const UNKNOWN_WORD_IDF = 11.7;
const UNKNOWN_OTHER_IDF = 9;
const KNOWN_SHARE = 0.8;

/** 30,000 word vectors and what is computed from them. Immutable but for memoised lengths. */
export class WordTable {
  readonly dimensions: number;
  readonly idf: Float32Array;
  readonly words: readonly string[];
  readonly #index: ReadonlyMap<string, number>;
  readonly #rows: Int8Array;
  readonly #scale: Float32Array;
  /** 1 / length of each row; 0 = not computed yet. */
  readonly #inverse: Float32Array;

  constructor(parts: WordTableParts) {
    this.dimensions = parts.dimensions;
    this.idf = parts.idf;
    this.words = parts.words;
    this.#rows = parts.rows;
    this.#scale = parts.scale;
    this.#inverse = new Float32Array(parts.words.length);
    const index = new Map<string, number>();
    for (let i = 0; i < parts.words.length; i++) index.set(parts.words[i] ?? '', i);
    this.#index = index;
  }

  indexOf(word: string): number | undefined {
    return this.#index.get(word);
  }

  has(word: string): boolean {
    return this.#index.has(word);
  }

  weight(word: string): number {
    const at = this.#index.get(word);
    if (at !== undefined) return this.idf[at] ?? 0;
    const code = word.charCodeAt(0);
    return code >= 97 && code <= 122 ? UNKNOWN_WORD_IDF : UNKNOWN_OTHER_IDF;
  }

  /** Cosine of two rows of the table. */
  rowCosine(a: number, b: number): number {
    const { dimensions } = this;
    const rows = this.#rows;
    const left = a * dimensions;
    const right = b * dimensions;
    let dot = 0;
    for (let k = 0; k < dimensions; k++) dot += (rows[left + k] as number) * (rows[right + k] as number);
    return dot * this.#inverseLength(a) * this.#inverseLength(b);
  }

  /** Cosine of two words; equality when the table lacks one of them. */
  wordCosine(a: string, b: string): number {
    const left = this.#index.get(a);
    const right = this.#index.get(b);
    if (left === undefined || right === undefined) return a === b ? 1 : 0;
    return this.rowCosine(left, right);
  }

  /**
   * Unit vector of a text: weighted sum of its known words, plus a direction of its own for every number and every
   * unknown word, so that texts that differ only in those do not fall together. All zero without words.
   */
  embed(text: string): Float64Array {
    const { dimensions } = this;
    const known = new Float64Array(dimensions);
    const own = new Float64Array(dimensions);
    let weight = 0;
    for (const word of wordsOf(text)) {
      const at = this.#index.get(word);
      if (at !== undefined) this.#addRow(known, at);
      if (at === undefined || startsWithDigit(word)) addOwnDirection(own, word);
      else weight += (this.idf[at] as number) ** 2;
    }
    let squares = 0;
    for (const x of known) squares += x * x;
    const gain = squares > 0 ? (KNOWN_SHARE * Math.sqrt(weight || 1)) / Math.sqrt(squares) : 0;
    squares = 0;
    for (let k = 0; k < dimensions; k++) {
      const x = (known[k] as number) * gain + (own[k] as number);
      known[k] = x;
      squares += x * x;
    }
    const inverse = 1 / Math.sqrt(squares || 1);
    for (let k = 0; k < dimensions; k++) known[k] = (known[k] as number) * inverse;
    return known;
  }

  #addRow(sum: Float64Array, at: number): void {
    const factor = (this.#scale[at] as number) * (this.idf[at] as number);
    const offset = at * this.dimensions;
    const rows = this.#rows;
    for (let k = 0; k < this.dimensions; k++) sum[k] = (sum[k] as number) + factor * (rows[offset + k] as number);
  }

  #inverseLength(at: number): number {
    const known = this.#inverse[at] as number;
    if (known !== 0) return known;
    const offset = at * this.dimensions;
    let squares = 0;
    for (let k = 0; k < this.dimensions; k++) squares += (this.#rows[offset + k] as number) ** 2;
    this.#inverse[at] = 1 / Math.sqrt(squares || 1);
    return this.#inverse[at] as number;
  }
}

/** 32-bit FNV-1a of the word, then xorshift: one bit a dimension, ±0.5. */
function addOwnDirection(sum: Float64Array, word: string): void {
  let state = 2166136261;
  for (let i = 0; i < word.length; i++) state = Math.imul(state ^ word.charCodeAt(i), 16777619);
  state |= 1;
  for (let k = 0; k < sum.length; k += 32) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    for (let bit = 0; bit < 32; bit++) sum[k + bit] = (sum[k + bit] as number) + ((state >>> bit) & 1 ? 0.5 : -0.5);
  }
}
