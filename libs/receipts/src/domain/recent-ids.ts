/** The ids seen last with the offset of each one's first appearance; bounded. */
export class RecentIds {
  readonly #offsets = new Map<string, bigint>();
  readonly #max: number;

  constructor(max = 50_000) {
    this.#max = max;
  }

  firstOffset(id: string): bigint | undefined {
    return this.#offsets.get(id);
  }

  add(id: string, offset: bigint): void {
    if (this.#offsets.has(id)) return;
    this.#offsets.set(id, offset);
    if (this.#offsets.size <= this.#max) return;
    for (const oldest of this.#offsets.keys()) {
      this.#offsets.delete(oldest);
      break;
    }
  }
}
