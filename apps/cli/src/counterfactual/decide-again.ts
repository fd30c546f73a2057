import type { RoutingSettings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';
import type { RequestAccepted } from '#events/domain/router-event.js';
import type { ClassifierVerdict, RoutePlan, Target } from '#routing/domain/route-plan.js';
import type { PromptClassifier } from '#routing/domain/prompt-classifier.js';
import { createRouter } from '#routing/routing.module.js';
import type { Router } from '#routing/ports/router.js';
import type { Settings } from '#config/domain/settings.js';

/** Where another policy would have sent a recorded request, or what is missing to say so. */
export type DecidedAgain =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'refused'; readonly code: string }
  /** `no_decision`: past its retention. `prompt`: the policy looks at text, which no event holds. */
  | { readonly kind: 'unknown'; readonly because: 'no_decision' | 'prompt' };

export type DecideAgain = (
  accepted: Pick<RequestAccepted, 'receiptId' | 'requestedModel' | 'decision'>,
) => DecidedAgain;

class PromptNeeded extends Error {}

/**
 * Decides recorded requests again under other settings, from the recorded facts alone: requested model, task, the
 * classifier's score, and which rule had matched.
 * @param builtin turns a share of strong requests into a threshold; `null` = the artefact is missing.
 */
export function createDecideAgain(settings: Settings, builtin: PromptClassifier | null): DecideAgain {
  let verdict: ClassifierVerdict | null = null;
  const thresholds = new Map<number, number>();
  const recorded: PromptClassifier = {
    artifact: builtin?.artifact ?? 'recorded',
    judge: (_text, strongShare) => {
      if (verdict === null) throw new PromptNeeded();
      let threshold = thresholds.get(strongShare);
      if (threshold === undefined) {
        threshold = builtin?.judge('', strongShare).thresholdQ ?? verdict.thresholdQ;
        thresholds.set(strongShare, threshold);
      }
      return { ...verdict, thresholdQ: threshold, chose: verdict.scoreQ >= threshold ? 'strong' : 'weak' };
    },
  };
  const router = createRouter({ settings, providerNames: Object.keys(settings.providers), artifact: recorded });
  const needsTask = settings.routing.rules.some(({ when }) => when.task !== null);
  return (accepted) => {
    const plan = asPlan(accepted.decision);
    if (plan === null) return { kind: 'unknown', because: 'no_decision' };
    if (needsTask && plan.task === null) return { kind: 'unknown', because: 'prompt' };
    verdict = plan.classifier;
    return planAgain(router, settings.routing, accepted, plan);
  };
}

function planAgain(
  router: Router,
  routing: RoutingSettings,
  accepted: Pick<RequestAccepted, 'receiptId' | 'requestedModel'>,
  plan: RoutePlan,
): DecidedAgain {
  const rule = plan.rule === null ? undefined : routing.rules.find(({ name }) => name === plan.rule);
  try {
    const { targets } = router.plan({
      requestedModel: accepted.requestedModel,
      // Headers are not recorded. Where a rule had matched, its headers had the values it looks for.
      header: (name) => (name === 'x-nextmodel-task' ? (plan.task ?? undefined) : rule?.when.header[name]),
      promptText: () => '',
      allowedModels: [],
      fallbackModels: [],
      seed: accepted.receiptId,
    });
    return targets[0] === undefined
      ? { kind: 'refused', code: 'model_not_found' }
      : { kind: 'target', target: targets[0] };
  } catch (error) {
    if (error instanceof PromptNeeded) return { kind: 'unknown', because: 'prompt' };
    if (error instanceof RouterError) return { kind: 'refused', code: error.code };
    throw error;
  }
}

function asPlan(decision: unknown): RoutePlan | null {
  const plan = decision as Partial<RoutePlan> | null;
  return typeof plan === 'object' && plan !== null && Array.isArray(plan.targets) ? (plan as RoutePlan) : null;
}
