const WINDOW_MS = 60_000;
const WRONG_ALLOWED = 10;

/**
 * Wrong admin credentials within a minute, over all addresses: behind a proxy there is only one, and whoever guesses has
 * many. It slows nobody who has the right one, so it needs no memory of who failed.
 */
export class WrongCredentials {
  #count = 0;
  #endsAtMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs a monotonic clock. */
  constructor(private readonly nowMs: () => number) {}

  /** One more. @returns 0, or from the eleventh of a minute on the milliseconds until that minute is over. */
  add(): number {
    const nowMs = this.nowMs();
    if (nowMs >= this.#endsAtMs) {
      this.#count = 0;
      this.#endsAtMs = nowMs + WINDOW_MS;
    }
    this.#count += 1;
    return this.#count > WRONG_ALLOWED ? this.#endsAtMs - nowMs : 0;
  }
}
