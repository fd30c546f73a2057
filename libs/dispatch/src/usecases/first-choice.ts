import type { AttemptRecorder, DispatchRequest } from '../ports/dispatcher.js';
import type { DispatchDeps } from './dispatch-deps.js';
import type { Blocked, Choice } from './target-choice.js';

/**
 * Where the first call of a request goes, or why none can be made. Tells which targets are cut off, and counts the
 * request in the budgets of its provider and its key.
 */
export function firstChoice(
  deps: DispatchDeps,
  request: DispatchRequest,
  recorder: AttemptRecorder,
  nowMs: number,
): Choice | Blocked {
  const { targets } = request.plan;
  const choice = deps.chooser.first(targets, nowMs, () => true) ?? deps.chooser.leastBad(targets, nowMs);
  const called = 'lane' in choice;
  const cutOff = deps.chooser.obstacles(targets, called ? choice.index : null, nowMs);
  if (cutOff !== null) recorder.cutOff?.(cutOff);
  if (called) {
    deps.budgets.of(choice.provider.name).request(nowMs);
    if (request.budgetKey !== undefined) deps.keyBudgets.of(request.budgetKey).request(nowMs);
  }
  return choice;
}
