/** How many are inside for each name; a name with nobody inside takes no memory. */
export class PlacesTaken {
  readonly #inside = new Map<string, number>();

  /** @returns false when `max` are inside already: nothing was taken. */
  enter(name: string, max: number): boolean {
    const inside = this.#inside.get(name) ?? 0;
    if (inside >= max) return false;
    this.#inside.set(name, inside + 1);
    return true;
  }

  /** Once for each `enter` that was let in. */
  leave(name: string): void {
    const left = (this.#inside.get(name) ?? 1) - 1;
    if (left <= 0) this.#inside.delete(name);
    else this.#inside.set(name, left);
  }
}
