import type { RoutePlan, Target } from '#routing/domain/route-plan.js';

/** Context window of a target of a plan in tokens; `null` = not known. */
export type ContextWindow = (plan: RoutePlan, target: Target) => number | null;

/**
 * The targets of one request by index: those of its plan, then those that are meant only for what a content policy
 * rejects.
 */
export class RequestTargets {
  readonly all: readonly Target[];
  /** Calls of each target so far. */
  readonly tries: number[];
  private readonly planned: number;

  constructor(
    private readonly plan: RoutePlan,
    policyTargets: readonly Target[] | undefined,
    private readonly contextWindow: ContextWindow,
  ) {
    const { targets } = plan;
    this.planned = targets.length;
    this.all = policyTargets === undefined ? targets : [...targets, ...policyTargets];
    this.tries = this.all.map(() => 0);
  }

  readonly isPlanned = (index: number): boolean => index < this.planned;

  /** Another target of the same list. */
  untriedBeside(current: number): (index: number) => boolean {
    const planned = this.isPlanned(current);
    return (index) => this.tries[index] === 0 && this.isPlanned(index) === planned;
  }

  forPolicy(): (index: number) => boolean {
    return (index) => this.tries[index] === 0 && !this.isPlanned(index);
  }

  /** A target that is known to take more context than this one, which must be known as well. */
  largerThan(current: number): (index: number) => boolean {
    const size = this.window(current);
    const planned = this.isPlanned(current);
    return (index) => {
      const otherSize = this.window(index);
      const fits = this.tries[index] === 0 && this.isPlanned(index) === planned;
      return fits && size !== null && otherSize !== null && otherSize > size;
    };
  }

  private window(index: number): number | null {
    return this.contextWindow(this.plan, this.all[index]!);
  }
}
