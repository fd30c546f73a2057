/** Candidates whose cosine is computed exactly after the scan of the sign bits. */
const RERANKED = 64;

export interface Scored<T> {
  readonly entry: T;
  readonly similarity: number;
}

/**
 * The vectors of one scope. Small ones are compared one by one; in large ones the sign bits (one a dimension) pick
 * 64 candidates by Hamming distance, and those are compared exactly.
 */
export class ScopePartition<T extends { readonly expiresAtMs: number }> {
  readonly dimensions: number;
  readonly #words: number;
  readonly #entries: T[] = [];
  readonly #places = new Map<T, number>();
  #vectors: Float32Array;
  #bits: Uint32Array;

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    this.#words = Math.ceil(dimensions / 32);
    this.#vectors = new Float32Array(dimensions);
    this.#bits = new Uint32Array(this.#words);
  }

  get size(): number {
    return this.#entries.length;
  }

  add(entry: T, vector: Float32Array): void {
    const at = this.#entries.length;
    if ((at + 1) * this.dimensions > this.#vectors.length) this.#grow();
    this.#entries.push(entry);
    this.#places.set(entry, at);
    this.#vectors.set(vector, at * this.dimensions);
    this.#bits.set(signBits(vector, this.#words), at * this.#words);
  }

  /** The last one takes the place of the one that goes. */
  remove(entry: T): void {
    const at = this.#places.get(entry);
    if (at === undefined) return;
    this.#places.delete(entry);
    const last = this.#entries.pop() as T;
    if (last === entry) return;
    const from = this.#entries.length;
    this.#entries[at] = last;
    this.#places.set(last, at);
    this.#vectors.copyWithin(at * this.dimensions, from * this.dimensions, (from + 1) * this.dimensions);
    this.#bits.copyWithin(at * this.#words, from * this.#words, (from + 1) * this.#words);
  }

  vectorOf(entry: T): Float32Array | null {
    const at = this.#places.get(entry);
    if (at === undefined) return null;
    return this.#vectors.slice(at * this.dimensions, (at + 1) * this.dimensions);
  }

  nearest(vector: Float32Array, limit: number, nowMs: number): Scored<T>[] {
    if (vector.length !== this.dimensions) return [];
    const scored: Scored<T>[] = [];
    for (const at of this.#candidates(vector, nowMs)) {
      scored.push({ entry: this.#entries[at] as T, similarity: this.#dot(vector, at) });
    }
    return scored.sort((a, b) => b.similarity - a.similarity).slice(0, limit);
  }

  #candidates(vector: Float32Array, nowMs: number): number[] {
    const live: number[] = [];
    const entries = this.#entries;
    if (entries.length <= RERANKED) {
      for (let i = 0; i < entries.length; i++) if ((entries[i] as T).expiresAtMs > nowMs) live.push(i);
      return live;
    }
    const distances = new Uint16Array(entries.length);
    const histogram = new Uint32Array(this.#words * 32 + 1);
    this.#scan(signBits(vector, this.#words), distances, histogram);
    let within = 0;
    let radius = 0;
    while (radius < histogram.length && within + (histogram[radius] as number) <= RERANKED) {
      within += histogram[radius++] as number;
    }
    const collect = (from: number, to: number, most: number): void => {
      for (let i = 0; i < distances.length && live.length < most; i++) {
        const distance = distances[i] as number;
        if (distance >= from && distance < to && (entries[i] as T).expiresAtMs > nowMs) live.push(i);
      }
    };
    collect(0, radius, entries.length);
    // Expired ones leave room: go on outwards until there are enough or none.
    for (let next = radius; next < histogram.length && live.length < RERANKED; next++) {
      if ((histogram[next] as number) > 0) collect(next, next + 1, RERANKED);
    }
    return live;
  }

  #scan(query: Uint32Array, distances: Uint16Array, histogram: Uint32Array): void {
    const bits = this.#bits;
    const words = this.#words;
    let at = 0;
    for (let i = 0; i < distances.length; i++) {
      let distance = 0;
      for (let w = 0; w < words; w++) {
        let x = (bits[at++] as number) ^ (query[w] as number);
        x -= (x >>> 1) & 0x55555555;
        x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
        distance += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
      }
      distances[i] = distance;
      histogram[distance] = (histogram[distance] as number) + 1;
    }
  }

  #dot(vector: Float32Array, at: number): number {
    const vectors = this.#vectors;
    const offset = at * this.dimensions;
    let dot = 0;
    for (let k = 0; k < vector.length; k++) dot += (vector[k] as number) * (vectors[offset + k] as number);
    return dot;
  }

  #grow(): void {
    const vectors = new Float32Array(this.#vectors.length * 2);
    vectors.set(this.#vectors);
    this.#vectors = vectors;
    const bits = new Uint32Array(this.#bits.length * 2);
    bits.set(this.#bits);
    this.#bits = bits;
  }
}

function signBits(vector: Float32Array, words: number): Uint32Array {
  const bits = new Uint32Array(words);
  for (let k = 0; k < vector.length; k++) {
    if ((vector[k] as number) > 0) bits[k >>> 5] = (bits[k >>> 5] as number) | (1 << (k & 31));
  }
  return bits;
}
