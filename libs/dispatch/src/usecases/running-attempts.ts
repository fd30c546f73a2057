import type { LaneCall } from '../domain/health-board.js';
import type { Attempt } from './run-attempt.js';
import type { Choice } from './target-choice.js';

/** An attempt that is under way. */
export interface Running {
  readonly n: number;
  readonly choice: Choice;
  readonly lane: LaneCall;
  readonly startedMs: number;
  readonly attempt: Attempt;
}

const NONE: readonly Running[] = [];

/** The attempts of one request that are under way: one, or two while a hedge is out. The last one is ended first. */
export class RunningAttempts {
  private readonly all: Running[] = [];

  get count(): number {
    return this.all.length;
  }

  /** The one that is under way alone; `undefined` when there is none, or a second one. */
  get sole(): Running | undefined {
    return this.all.length === 1 ? this.all[0] : undefined;
  }

  add(running: Running): void {
    this.all.push(running);
  }

  /** Takes out the one that has ended. */
  remove(n: number): Running {
    const at = this.all.findIndex((each) => each.n === n);
    return this.all.splice(at, 1)[0]!;
  }

  /** The client has gone: each ends, or is read on for its usage. */
  leave(): void {
    for (const { attempt } of this.all.toReversed()) attempt.leave();
  }

  /** All but this one, the last first. */
  beside(n: number): readonly Running[] {
    if (this.all.every((each) => each.n === n)) return NONE;
    return this.all.filter((each) => each.n !== n).toReversed();
  }

  /** Nobody waits for any of them. */
  lose(): void {
    for (const { attempt } of this.all.toReversed()) attempt.lose();
  }
}
