import type { Opposites } from './opposites.js';
import type { WordTable } from './static-embedding.js';
import { isTypo, stemOf } from './words.js';

/** Senses of the table's words. `packed` = 2n+1 offsets, then ids: word i has senses [2i, 2i+1) and hypernyms [2i+1, 2i+2). */
export class Lexicon {
  readonly #table: WordTable;
  readonly #packed: Uint32Array;
  readonly #base: number;

  constructor(
    table: WordTable,
    packed: Uint32Array,
    readonly opposites: Opposites,
  ) {
    this.#table = table;
    this.#packed = packed;
    this.#base = 2 * table.words.length + 1;
  }

  /** A typo of each other, inflections of one word, or words with a common sense. */
  same(a: string, b: string): boolean {
    return isTypo(a, b) || stemOf(a) === stemOf(b) || this.#shares(a, b, 0);
  }

  /** Different things of one kind: no common sense, but a common direct hypernym (`cat`, `dog`). */
  siblings(a: string, b: string): boolean {
    return this.#shares(a, b, 1) && !this.#shares(a, b, 0);
  }

  opposite(a: string, b: string): boolean {
    return this.opposites.get(a)?.has(b) ?? false;
  }

  #shares(a: string, b: string, list: 0 | 1): boolean {
    const i = this.#table.indexOf(a);
    const j = this.#table.indexOf(b);
    if (i === undefined || j === undefined) return false;
    const packed = this.#packed;
    const [fromA, toA] = [packed[2 * i + list] as number, packed[2 * i + list + 1] as number];
    const [fromB, toB] = [packed[2 * j + list] as number, packed[2 * j + list + 1] as number];
    for (let x = fromA; x < toA; x++) {
      const id = packed[this.#base + x];
      for (let y = fromB; y < toB; y++) if (packed[this.#base + y] === id) return true;
    }
    return false;
  }
}
