import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import type { Settings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';
import { excludeTargets, foundOutside } from './domain/exclude-targets.js';
import { readGainModel, tablesFromBytes } from './domain/gain-artifact.js';
import { createGainClassifier } from './domain/gain-classifier.js';
import { listModels } from './domain/list-models.js';
import type { Measures, TargetMeasure } from './domain/order-targets.js';
import { planRoute } from './domain/plan-route.js';
import type { PromptClassifier } from './domain/prompt-classifier.js';
import type { Candidate, RoutePlan, Target } from './domain/route-plan.js';
import { compilePolicy, policyFromText, policyToText, toPolicy } from './domain/routing-policy.js';
import type { RouteQuestion, Router } from './ports/router.js';

export interface RouterInit {
  readonly settings: Pick<Settings, 'providers' | 'models' | 'routing'>;
  /** Names of the providers that really exist; targets on others are excluded and say so. */
  readonly providerNames: readonly string[];
  /** Models that a provider lists beside those of the settings (`Provider.models` of the registry). */
  readonly listedModels?: (provider: string) => readonly string[];
  /** From `loadBuiltinClassifier`; without one `auto` uses its `abstain` model, reason `auto:unavailable`. */
  readonly artifact?: PromptClassifier | null;
  /** For the strategies `price` and `latency`; without them these keep the declared order. */
  readonly measures?: Measures;
}

/** Makes the router of one configuration. It holds no state: make another when the configuration changes. */
export function createRouter(init: RouterInit): Router {
  const classifier = init.artifact ?? null;
  const plain = toPolicy(init.settings, init.providerNames, classifier?.artifact ?? null, init.listedModels);
  const policy = compilePolicy(plain);
  const policyText = policyToText(plain);
  const policyHash = sha256(policyText);
  const tools = { policyHash, classifier, measures: init.measures ?? {}, nowUs };
  return {
    policyHash,
    policyText,
    plan: (question) => planRoute(policy, question, tools),
    models: (allowedModels) => listModels(policy, allowedModels),
  };
}

/**
 * Loads the classifier that ships. Reads two files once, at start.
 * @returns `null` when the artefact is missing, damaged or of another version: `auto` then uses its `abstain` model,
 *   reason `auto:unavailable`, and nothing fails.
 */
export function loadBuiltinClassifier(): PromptClassifier | null {
  try {
    const { resolve } = createRequire(import.meta.url);
    return readClassifier(
      readFileSync(resolve('#assets/routing/classifier.json')),
      readFileSync(resolve('#assets/routing/classifier.bin')),
    );
  } catch {
    return null;
  }
}

/** Makes a classifier of an artefact's bytes; `null` when they do not belong together or to this version. */
export function readClassifier(description: Uint8Array, tableBytes: Uint8Array): PromptClassifier | null {
  let parsed: { readonly format?: unknown; readonly model?: unknown; readonly tablesSha256?: unknown } | null;
  try {
    parsed = JSON.parse(new TextDecoder().decode(description)) as typeof parsed;
  } catch {
    return null;
  }
  if (parsed?.format !== 'nextmodel-gain-classifier/1' || parsed.tablesSha256 !== sha256(tableBytes)) return null;
  const model = readGainModel(parsed.model);
  const tables = tablesFromBytes(tableBytes);
  return model === null || tables === null
    ? null
    : createGainClassifier(`sha256:${sha256(description)}`, model, tables);
}

export interface ReplanInit {
  /** Needed when the policy names one and the question reaches `auto`. */
  readonly artifact?: PromptClassifier | null;
  /**
   * The candidates of the recorded plan. What routing measured, and what was taken out for reasons outside of it (cost,
   * breakers, rate limits, credentials), is read back from them.
   */
  readonly recorded?: readonly Candidate[];
}

/**
 * Computes a recorded decision again from the policy it was made under. The plan is the same but for `tookUs`, which
 * is 0 here.
 * @throws RouterError `configuration` when `auto` is reached and the artefact given is not the one of the policy;
 *   else what `Router.plan` throws.
 */
export function replan(question: RouteQuestion, policyText: string, init: ReplanInit = {}): RoutePlan {
  const policy = compilePolicy(policyFromText(policyText));
  const given = init.artifact ?? null;
  const classifier =
    policy.classifier === null ? null : given?.artifact === policy.classifier ? given : missing(policy.classifier);
  const recorded = init.recorded ?? [];
  const measures = measuresOf(recorded);
  const plan = planRoute(policy, question, { policyHash: sha256(policyText), classifier, measures, nowUs: () => 0 });
  const outside = new Map(recorded.filter(foundOutside).map((each) => [rowKey(each), each.reason]));
  return outside.size === 0 ? plan : excludeTargets(plan, (target) => outside.get(rowKey(target)));
}

const nowUs = (): number => performance.now() * 1000;
const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

function missing(artifact: string): PromptClassifier {
  return {
    artifact,
    judge: () => {
      throw new RouterError({
        code: 'configuration',
        publicMessage: `This decision was made with the classifier ${artifact}, which was not given.`,
      });
    },
  };
}

function measuresOf(recorded: readonly Candidate[]): Measures {
  const table = (by: 'price' | 'latency'): TargetMeasure | undefined => {
    const rows = recorded.filter((each) => each.measured?.by === by);
    const values = new Map(rows.map((each) => [rowKey(each), each.measured?.value ?? null]));
    return rows.length === 0 ? undefined : (target) => values.get(rowKey(target)) ?? null;
  };
  const price = table('price');
  const latency = table('latency');
  return { ...(price && { price }), ...(latency && { latency }) };
}

const rowKey = ({ provider, model }: Target): string => JSON.stringify([provider, model]);
