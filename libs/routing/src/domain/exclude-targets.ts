import type { Candidate, RoutePlan, Target } from './route-plan.js';

/**
 * Takes targets out of a plan for what routing itself cannot know: their cost for this request, or that they cannot be
 * called now. They stay among the candidates with the reason; the others move up.
 * @param reasonOf `excluded:…`, or `undefined` for a target that stays.
 */
export function excludeTargets(plan: RoutePlan, reasonOf: (target: Target) => string | undefined): RoutePlan {
  let rank = 0;
  let excluded = false;
  const candidates = plan.candidates.map((candidate): Candidate => {
    if (candidate.rank === null) return candidate;
    const reason = reasonOf(candidate);
    if (reason === undefined) return { ...candidate, rank: rank++ };
    excluded = true;
    return { ...candidate, rank: null, reason };
  });
  if (!excluded) return plan;
  return { ...plan, targets: plan.targets.filter((target) => reasonOf(target) === undefined), candidates };
}

/** Reasons that come from outside of routing; `replan` reads them back from the record. */
const FOUND_OUTSIDE: ReadonlySet<string> = new Set([
  'excluded:unpriced',
  'excluded:cost_limit',
  'excluded:breaker_open',
  'excluded:rate_limited',
  'excluded:credential_rests',
]);

export const foundOutside = ({ reason }: Candidate): boolean => FOUND_OUTSIDE.has(reason);
