const OTHER = 'other';

/**
 * Keeps a label's values few: the first `max` names that were admitted stay themselves, all else is `other`.
 * Names that clients type must only be admitted once a provider has accepted them.
 */
export class BoundedNames {
  readonly #names = new Set<string>();

  constructor(private readonly max: number) {}

  /** Admits the name if there is room. */
  admit(name: string): string {
    if (this.#names.has(name)) return name;
    if (this.#names.size >= this.max || name === '' || name.length > 128) return OTHER;
    this.#names.add(name);
    return name;
  }

  /** The name if it was admitted before. */
  show(name: string): string {
    return this.#names.has(name) ? name : OTHER;
  }
}
