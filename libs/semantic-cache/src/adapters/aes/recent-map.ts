/** A map that forgets the entry that was put in first when it is full. */
export class RecentMap<V> {
  readonly #entries = new Map<string, V>();

  constructor(private readonly max: number) {}

  get(name: string): V | undefined {
    return this.#entries.get(name);
  }

  set(name: string, value: V): void {
    if (this.#entries.size >= this.max && !this.#entries.has(name)) {
      const oldest = this.#entries.keys().next();
      if (oldest.done === false) this.#entries.delete(oldest.value);
    }
    this.#entries.set(name, value);
  }

  delete(name: string): void {
    this.#entries.delete(name);
  }

  deleteWhere(matches: (value: V) => boolean): void {
    for (const [name, value] of this.#entries) if (matches(value)) this.#entries.delete(name);
  }
}
