import type { Clock } from '#events/ports/clock.js';

/** Something that must be told when its time is over. */
export interface Deadline {
  /** Monotonic milliseconds. Its owner may move it later by itself; earlier only with `set`. */
  dueMs: number;
  onDue(nowMs: number): void;
}

/**
 * All deadlines of a dispatcher on one timer. Deadlines mostly move later and end unused, so the timer is armed for the
 * earliest that was ever asked for and looks again when it fires: moving a deadline is one store, no system timer.
 */
export class AttemptTimers {
  private readonly waiting = new Set<Deadline>();
  private timer: NodeJS.Timeout | null = null;
  private armedForMs = Number.POSITIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  /** Sets or moves a deadline. */
  set(deadline: Deadline, dueMs: number): void {
    deadline.dueMs = dueMs;
    this.waiting.add(deadline);
    if (dueMs < this.armedForMs) this.arm(dueMs);
  }

  clear(deadline: Deadline): void {
    this.waiting.delete(deadline);
  }

  private arm(dueMs: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.armedForMs = dueMs;
    const waitMs = Math.min(Math.max(Math.ceil(dueMs - this.clock.monotonicMs()), 1), 2 ** 31 - 1);
    // Sockets keep the process alive while a call is under way; a deadline alone must not.
    this.timer = setTimeout(this.fire, waitMs).unref();
  }

  private readonly fire = (): void => {
    this.timer = null;
    this.armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = this.clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const deadline of this.waiting) {
      if (deadline.dueMs <= nowMs) {
        this.waiting.delete(deadline);
        deadline.onDue(nowMs);
      } else if (deadline.dueMs < nextMs) nextMs = deadline.dueMs;
    }
    if (nextMs < this.armedForMs) this.arm(nextMs);
  };
}
