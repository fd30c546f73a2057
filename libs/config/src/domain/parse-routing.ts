import { DEFAULT_STRONG_SHARE } from './default-settings.js';
import type { Section } from './section.js';
import type { AutoSettings, RoutingSettings, RuleSettings } from './settings.js';

export const ROUTING_FIELDS = ['rules', 'auto'] as const;
export const RULE_FIELDS = ['name', 'when', 'use'] as const;
export const WHEN_FIELDS = ['header', 'task', 'model'] as const;
export const AUTO_FIELDS = ['weak', 'strong', 'classifier', 'strong_share', 'abstain'] as const;

/**
 * `routing:` of the file.
 * @param knows does this name lead to a target?
 * @param auto what holds when the file says nothing about `auto`.
 */
export function parseRouting(root: Section, knows: KnownModel, auto: AutoSettings | null): RoutingSettings {
  const section = root.section('routing', ROUTING_FIELDS);
  const names = new Set<string>();
  const rules = section.sections('rules', RULE_FIELDS).map((rule, index) => {
    const parsed = parseRule(rule, index);
    if (names.has(parsed.name)) rule.report('name', `there is another rule "${parsed.name}"`);
    names.add(parsed.name);
    if (parsed.use !== '' && parsed.use !== 'auto') checkModel(rule, 'use', parsed.use, knows);
    return parsed;
  });
  const ownAuto = section.has('auto') ? parseAuto(section.section('auto', AUTO_FIELDS), knows) : auto;
  for (const [index, rule] of rules.entries()) {
    if (rule.use === 'auto' && ownAuto === null) {
      section.report(`rules[${index}].use`, 'uses auto, but routing.auto is not configured', section.lineOf('rules'));
    }
  }
  return { rules, auto: ownAuto };
}

/** `null` = known; otherwise what is wrong with the name. */
export type KnownModel = (model: string) => string | null;

function checkModel(section: Section, field: string, model: string, knows: KnownModel): void {
  const problem = knows(model);
  if (problem !== null) section.report(field, problem);
}

function parseRule(rule: Section, index: number): RuleSettings {
  const when = rule.section('when', WHEN_FIELDS);
  const headers = when.section('header', null);
  const header: Record<string, string> = {};
  for (const name of headers.names) header[name.toLowerCase()] = headers.requiredString(name);
  const task = when.string('task');
  const model = when.string('model');
  if (Object.keys(header).length === 0 && task === null && model === null) {
    rule.report('when', 'needs a header, a task or a model to look at');
  }
  return {
    name: rule.string('name') ?? `rule-${index + 1}`,
    when: { header, task, model },
    use: rule.requiredString('use'),
  };
}

function parseAuto(section: Section, knows: KnownModel): AutoSettings {
  const weak = section.requiredString('weak');
  const strong = section.requiredString('strong');
  for (const [field, model] of [
    ['weak', weak],
    ['strong', strong],
  ] as const) {
    if (model === 'auto') section.report(field, 'auto cannot lead to auto');
    else if (model !== '') checkModel(section, field, model, knows);
  }
  return {
    weak,
    strong,
    classifier: section.oneOf('classifier', ['builtin'], 'builtin'),
    strongShare: section.number('strong_share', DEFAULT_STRONG_SHARE, { min: 0, max: 1 }),
    abstain: parseAbstain(section, weak, strong, knows),
  };
}

/** `weak` and `strong` mean the two models above, unless models are called so. */
function parseAbstain(section: Section, weak: string, strong: string, knows: KnownModel): string {
  const abstain = section.string('abstain') ?? 'strong';
  if (knows(abstain) === null) return abstain;
  if (abstain === 'strong') return strong;
  if (abstain === 'weak') return weak;
  if (abstain === 'auto') section.report('abstain', 'auto cannot lead to auto');
  else checkModel(section, 'abstain', abstain, knows);
  return strong;
}
