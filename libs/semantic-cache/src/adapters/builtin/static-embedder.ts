import type { WordTable } from '../../domain/static-embedding.js';
import type { Embedder } from '../../ports/embedder.js';

/** Changes with the table or the way of embedding: vectors of different ids are not comparable. */
export const STATIC_EMBEDDER_ID = 'builtin-static-v2-256';

/** The word table as an embedder: offline, about 20 µs a prompt, English. */
export class StaticEmbedder implements Embedder {
  readonly id = STATIC_EMBEDDER_ID;
  readonly dimensions: number;
  readonly #table: WordTable;

  constructor(table: WordTable) {
    this.#table = table;
    this.dimensions = table.dimensions;
  }

  embed(text: string): Float32Array | null {
    const vector = Float32Array.from(this.#table.embed(text));
    return vector.some((x) => x !== 0) ? vector : null;
  }
}
