/** Turns so long mean hundreds in the queue, whose answers come a tenth of a second and more too late. */
const LONG_TURN_MS = 40;
/** A burst is worked off before so long a time has passed without one shorter turn; a queue that stands is not. */
const STANDING_MS = 300;
/** Enough for the processor never to wait, once a queue stands. */
const TURN_MS_MAX = 8;
/** So long after the last refusal long turns are taken for a burst again. */
const RECOVERY_MS = 500;

/**
 * Decides who comes in, by the turns of the event loop. Not by the number inside: a long stream occupies a place and
 * hardly any processor time. And not by a mean: the shortest turn within three tenths of a second tells a queue that stands
 * from a burst or a pause of the garbage collector (the idea of CoDel, RFC 8289). Once one stands, every turn is
 * judged by itself: newcomers come in only after a short one and in the first part of the present one, so that the
 * queue is as short as the processor needs it, and whoever is refused learns it within a turn.
 *
 * Pure: `turnEnded` and `observe` belong to the loop, `admits` to a request; none allocates.
 */
export class ShedController {
  readonly #closeLagMs: number;
  #closed = false;
  #lastTurnMs = 0;
  #longSinceMs: number | null = null;
  #sheddingUntilMs = -Infinity;
  #nowMs = 0;

  /** @param closeLagMs above this mean lag nobody comes in. */
  constructor(closeLagMs: number) {
    this.#closeLagMs = closeLagMs;
  }

  /** Whether a queue stands, so that not everyone comes in. */
  get shedding(): boolean {
    return this.#closed || this.#nowMs < this.#sheddingUntilMs;
  }

  /** @param nowMs monotonic. */
  turnEnded(busyMs: number, nowMs: number): void {
    this.#lastTurnMs = busyMs;
    this.#nowMs = nowMs;
    if (busyMs <= LONG_TURN_MS) {
      this.#longSinceMs = null;
      return;
    }
    this.#longSinceMs ??= nowMs - busyMs;
    if (nowMs - this.#longSinceMs >= STANDING_MS) this.#sheddingUntilMs = nowMs + RECOVERY_MS;
  }

  /** The mean lag of the loop; to be told some times a second. */
  observe(lagMs: number): void {
    this.#closed = lagMs > this.#closeLagMs;
  }

  /** @param busyMs for how long the present turn has been at work; asked only while a queue stands. */
  admits(busyMs: () => number): boolean {
    if (this.#closed) return false;
    if (!this.shedding) return true;
    if (this.#lastTurnMs <= TURN_MS_MAX && busyMs() <= TURN_MS_MAX) return true;
    this.#sheddingUntilMs = this.#nowMs + RECOVERY_MS;
    return false;
  }
}
