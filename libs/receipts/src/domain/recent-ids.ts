/**
 * The ids seen last with the offset of each one's first appearance; bounded. Two generations: taking the oldest out one
 * by one would walk over all that were taken out before.
 */
export class RecentIds {
  #young = new Map<string, bigint>();
  #old: ReadonlyMap<string, bigint> = new Map();
  readonly #generationMax: number;

  /** @param max at most this many are remembered, and at least half of them. */
  constructor(max = 50_000) {
    this.#generationMax = Math.max(1, Math.floor(max / 2));
  }

  firstOffset(id: string): bigint | undefined {
    return this.#young.get(id) ?? this.#old.get(id);
  }

  add(id: string, offset: bigint): void {
    if (this.firstOffset(id) !== undefined) return;
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(id, offset);
  }
}
