import { picoToDecimal, type PicoText } from '#events/domain/money.js';

/** A sum of amounts of which some are unknown: they are counted, never taken for zero. */
export class KnownSum {
  known = 0n;
  unknown = 0;
  #amounts = 0;

  add(pico: PicoText | null): void {
    if (pico === null) {
      this.unknown += 1;
      return;
    }
    this.#amounts += 1;
    this.known += BigInt(pico);
  }

  /** US dollars as decimal text; `null` when there are amounts and none of them is known. */
  decimal(): string | null {
    return this.#amounts === 0 && this.unknown > 0 ? null : picoToDecimal(this.known);
  }
}
