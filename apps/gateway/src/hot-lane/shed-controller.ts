/** Below this share of the closing lag nobody is refused. */
const EARLY_SHARE = 1 / 10;
/** A burst is over before so many looks in a row have found the loop late; a queue that stands is not. */
const LATE_LOOKS = 3;
/** Some always come in, or nothing would show that the load has gone. */
const ADMITTED_MIN = 0.05;
const RECOVERY_STEP = 0.03;
const CUT_MIN = 0.05;
const CUT_MAX = 0.4;

/**
 * Decides which share of arrivals comes in, by how late the event loop is. It steers the rate of admission and not the
 * number inside, because a long stream occupies a place and hardly any processor time. Pure: `observe` belongs to a
 * timer, `admits` to a request; neither allocates.
 */
export class ShedController {
  readonly #earlyLagMs: number;
  readonly #closeLagMs: number;
  #share = 1;
  #credit = 0;
  #closed = false;
  #lateLooks = 0;

  /** @param closeLagMs above this lag nobody comes in; refusing begins at a tenth of it, when it lasts. */
  constructor(closeLagMs: number) {
    this.#closeLagMs = closeLagMs;
    this.#earlyLagMs = closeLagMs * EARLY_SHARE;
  }

  /** Share of arrivals that come in, 0.05 to 1; 0 while closed. */
  get share(): number {
    return this.#closed ? 0 : this.#share;
  }

  /** One look at the event loop; to be called evenly, some times a second. */
  observe(lagMs: number): void {
    this.#closed = lagMs > this.#closeLagMs;
    if (lagMs <= this.#earlyLagMs) {
      this.#lateLooks = 0;
      this.#share = Math.min(1, this.#share + RECOVERY_STEP);
      return;
    }
    this.#lateLooks += 1;
    if (this.#lateLooks < LATE_LOOKS) return;
    const severity = Math.min(1, (lagMs - this.#earlyLagMs) / (4 * this.#earlyLagMs));
    this.#share = Math.max(ADMITTED_MIN, this.#share * (1 - CUT_MIN - (CUT_MAX - CUT_MIN) * severity));
  }

  /** Spreads the admitted ones evenly over the arrivals. */
  admits(): boolean {
    if (this.#closed) return false;
    if (this.#share >= 1) return true;
    this.#credit += this.#share;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }
}
