import { RouterError } from '#events/domain/router-error.js';
import { AUTO, chooseName, type ChosenName, type NameQuestion } from './choose-name.js';
import { bounded, knownWishes, shown } from './client-wishes.js';
import { allowsName } from './name-pattern.js';
import { type Measures, orderTargets, type ProviderPreferences } from './order-targets.js';
import type { PromptClassifier } from './prompt-classifier.js';
import { resolveName } from './resolve-name.js';
import type { Candidate, RoutePlan, Target } from './route-plan.js';
import type { CompiledPolicy } from './routing-policy.js';

export interface PlanQuestion extends NameQuestion {
  readonly allowedModels: readonly string[];
  readonly fallbackModels: readonly string[];
  readonly providerPreferences?: ProviderPreferences;
  readonly seed: string;
}

/** What a decision needs besides policy and question. */
export interface PlanTools {
  readonly policyHash: string;
  readonly classifier: PromptClassifier | null;
  readonly measures: Measures;
  /** Monotonic microseconds, for `tookUs` only. */
  readonly nowUs: () => number;
}

/**
 * Decides where a request goes. Everything but `tookUs` depends only on the arguments.
 * @throws RouterError `model_not_found` (404), `model_not_allowed` (403).
 */
export function planRoute(policy: CompiledPolicy, question: PlanQuestion, tools: PlanTools): RoutePlan {
  const requested = question.requestedModel;
  if (!allowsName(question.allowedModels, requested)) throw notAllowed(requested, null);
  const chosen = chooseName(policy, question, tools.classifier, tools.nowUs);
  const byRequest = chosen.rule !== null && (chosen.rule.headers.length > 0 || chosen.rule.task !== null);
  // A header or a prompt must not lead a key to what it may not ask for by name.
  if (byRequest && !allowsName(question.allowedModels, chosen.rule.use)) throw notAllowed(requested, chosen.rule.name);
  const resolution = resolveName(policy, chosen.name);
  if (resolution === null) throw notFound(policy, requested, chosen);

  const ignored: string[] = [];
  const wishes = knownWishes(question.providerPreferences, (name) => policy.models.has(name), ignored);
  const own = orderTargets(policy, resolution.strategy, resolution.targets, wishes, question.seed, tools.measures);
  const targets: Target[] = [...own.targets];
  const candidates: Candidate[] = [...own.candidates];
  for (const name of bounded(question.fallbackModels, 'models', ignored)) {
    appendFallback(policy, question, name, wishes, tools, targets, candidates, ignored);
  }
  if (targets.length === 0) throw nothingLeft(requested, candidates);
  const baseline = chosen.classifier === null ? undefined : firstTarget(policy, policy.auto?.strong);
  return {
    requestedModel: requested,
    resolvedModel: chosen.name,
    reason: chosen.reason ?? resolution.how,
    rule: chosen.rule?.name ?? null,
    task: chosen.task,
    policyHash: tools.policyHash,
    strategy: resolution.strategy,
    targets,
    candidates,
    classifier: chosen.classifier,
    ignored,
    ...(baseline !== undefined && { baseline }),
  };
}

function appendFallback(
  policy: CompiledPolicy,
  question: PlanQuestion,
  name: string,
  wishes: ProviderPreferences,
  tools: PlanTools,
  targets: Target[],
  candidates: Candidate[],
  ignored: string[],
): void {
  if (name === question.requestedModel) return;
  if (!allowsName(question.allowedModels, name)) {
    ignored.push(`models: ${shown(name)} is not allowed for this key`);
    return;
  }
  const resolution = name === AUTO && !policy.exact.has(AUTO) ? null : resolveName(policy, name);
  if (resolution === null) {
    ignored.push(`models: ${shown(name)} is unknown`);
    return;
  }
  const more = orderTargets(policy, resolution.strategy, resolution.targets, wishes, question.seed, tools.measures);
  for (const candidate of more.candidates) {
    const { provider, model } = candidate;
    if (candidate.rank === null) candidates.push(candidate);
    else if (targets.some((target) => target.provider === provider && target.model === model)) {
      candidates.push({ ...candidate, rank: null, reason: 'excluded:duplicate' });
    } else {
      candidates.push({ ...candidate, rank: targets.length, reason: 'fallback_model', via: name });
      targets.push({ provider, model });
    }
  }
}

function firstTarget(policy: CompiledPolicy, name: string | undefined): Target | undefined {
  const target = name === undefined ? undefined : resolveName(policy, name)?.targets[0];
  return target === undefined ? undefined : { provider: target.provider, model: target.model };
}

function notAllowed(requested: string, rule: string | null): RouterError {
  const by = rule === null ? '' : ` The routing rule "${rule}" would send it to a model outside the key's list.`;
  return new RouterError({
    code: 'model_not_allowed',
    httpStatus: 403,
    type: 'permission_error',
    param: 'model',
    publicMessage: `This key may not use the model "${shown(requested)}".${by}`,
  });
}

function notFound(policy: CompiledPolicy, requested: string, chosen: ChosenName): RouterError {
  const many = policy.listedBy.get(chosen.name) ?? [];
  const via = chosen.name === requested ? '' : ` (routed to "${shown(chosen.name)}")`;
  const advice =
    many.length > 1
      ? `Several providers offer it: ask for ${many.map((provider) => `"${provider}/${shown(chosen.name)}"`).join(' or ')}.`
      : 'GET /v1/models lists what there is; "provider/model" works for any configured provider.';
  return modelNotFound(`The model "${shown(requested)}"${via} does not exist. ${advice}`);
}

function nothingLeft(requested: string, candidates: readonly Candidate[]): RouterError {
  const why = [...new Set(candidates.map((each) => `${each.provider}: ${each.reason.replace('excluded:', '')}`))];
  return modelNotFound(`No provider is left for the model "${shown(requested)}" (${why.join(', ')}).`);
}

const modelNotFound = (publicMessage: string): RouterError =>
  new RouterError({ code: 'model_not_found', httpStatus: 404, param: 'model', publicMessage });
