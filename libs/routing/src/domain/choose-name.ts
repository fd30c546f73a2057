import { matchName } from './name-pattern.js';
import type { PromptClassifier } from './prompt-classifier.js';
import type { ClassifierVerdict } from './route-plan.js';
import type { CompiledPolicy, PolicyRule } from './routing-policy.js';
import { detectTask } from './task-detector.js';

/** The parts of a question that decide the name, before targets are looked at. */
export interface NameQuestion {
  readonly requestedModel: string;
  header(name: string): string | undefined;
  promptText(): string;
}

export interface ChosenName {
  readonly name: string;
  /** `null`: neither a rule nor `auto` had a part in it. */
  readonly reason: 'rule' | 'auto:weak' | 'auto:strong' | 'auto:abstain' | 'auto:unavailable' | null;
  readonly rule: PolicyRule | null;
  readonly task: string | null;
  readonly classifier: ClassifierVerdict | null;
}

const TASK_HEADER = 'x-nextmodel-task';
export const AUTO = 'auto';

/**
 * Rules first, the first whose conditions all hold; then `auto`, unless an alias has that very name.
 * @param nowUs any monotonic count of microseconds; only differences are used.
 */
export function chooseName(
  policy: CompiledPolicy,
  question: NameQuestion,
  classifier: PromptClassifier | null,
  nowUs: () => number,
): ChosenName {
  const task = taskOf(policy, question);
  const rule = policy.rules.find((each) => holds(each, question, task)) ?? null;
  const name = rule?.use ?? question.requestedModel;
  const auto = policy.auto;
  if (name !== AUTO || auto === null || policy.exact.has(AUTO)) {
    return { name, reason: rule === null ? null : 'rule', rule, task, classifier: null };
  }
  if (classifier === null) return { name: auto.abstain, reason: 'auto:unavailable', rule, task, classifier: null };
  const startUs = nowUs();
  const judged = classifier.judge(question.promptText(), auto.strongShare);
  const verdict: ClassifierVerdict = { ...judged, tookUs: Math.max(0, Math.round(nowUs() - startUs)) };
  if (verdict.abstained) return { name: auto.abstain, reason: 'auto:abstain', rule, task, classifier: verdict };
  return { name: auto[verdict.chose], reason: `auto:${verdict.chose}`, rule, task, classifier: verdict };
}

/** The header wins; the detector is asked only when some rule needs a task. */
function taskOf(policy: CompiledPolicy, question: NameQuestion): string | null {
  const said = question.header(TASK_HEADER)?.trim().toLowerCase().slice(0, 64);
  if (said !== undefined && said !== '') return said;
  return policy.rules.some((rule) => rule.task !== null) ? detectTask(question.promptText()) : null;
}

function holds(rule: PolicyRule, question: NameQuestion, task: string | null): boolean {
  if (rule.model !== null && matchName(rule.model, question.requestedModel) === null) return false;
  if (rule.task !== null && rule.task.toLowerCase() !== task) return false;
  return rule.headers.every(([header, pattern]) => {
    const value = question.header(header);
    return value !== undefined && matchName(pattern, value) !== null;
  });
}
