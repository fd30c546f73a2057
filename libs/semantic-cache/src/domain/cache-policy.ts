import type { CacheControl, CacheQuestion } from './cache-question.js';
import { isTimeSensitive, semanticTextRefusal } from './text-eligibility.js';

/** Above it, a caller wants variety and gets no answer by meaning. An absent temperature counts as allowed. */
const SEMANTIC_TEMPERATURE_MAX = 0.3;
const SEMANTIC_TURNS_MAX = 4;
const TIME_SENSITIVE_TTL_SECONDS = 600;
/** Larger answers are not stored. */
const ANSWER_CHARACTERS_MAX = 262_144;

/**
 * Reads `x-nextmodel-cache`: `no-cache`, `no-store`, `only-if-cached`, `max-age=N`, `semantic=off`, separated by
 * commas. Unknown directives are ignored; a `max-age` that is no whole number of seconds asks for a fresh answer.
 */
export function parseCacheControl(header: string | undefined): CacheControl {
  let [noCache, noStore, onlyIfCached, semanticOff] = [false, false, false, false];
  let maxAgeSeconds: number | null = null;
  for (const part of (header ?? '').split(',')) {
    const [name, value] = part
      .trim()
      .toLowerCase()
      .split('=')
      .map((side) => side.trim());
    if (name === 'no-cache') noCache = true;
    else if (name === 'no-store') noStore = true;
    else if (name === 'only-if-cached') onlyIfCached = true;
    else if (name === 'semantic' && value === 'off') semanticOff = true;
    else if (name === 'max-age') {
      if (value !== undefined && /^\d{1,10}$/.test(value)) maxAgeSeconds = Number(value);
      else noCache = true;
    }
  }
  return { noCache, noStore, onlyIfCached, maxAgeSeconds, semanticOff };
}

/** Why this request must not be answered by meaning; `null` when it may. */
export function semanticRefusal({ body, control, policy }: CacheQuestion, question: string): string | null {
  if (!policy.semantic) return 'semantic_off';
  if (control.semanticOff) return 'semantic_off_by_caller';
  const temperature = body['temperature'];
  if (temperature !== undefined && temperature !== null) {
    if (typeof temperature !== 'number' || temperature > SEMANTIC_TEMPERATURE_MAX) return 'temperature';
  }
  let turns = 0;
  for (const { role } of body.messages) if (role === 'user') turns++;
  if (turns > SEMANTIC_TURNS_MAX) return 'turns';
  return semanticTextRefusal(question);
}

/** Oldest entry that may answer, in seconds; `null` = any that has not expired. */
export function oldestAllowed(control: CacheControl, question: string): number | null {
  const byTime = isTimeSensitive(question) ? TIME_SENSITIVE_TTL_SECONDS : null;
  if (control.maxAgeSeconds === null) return byTime;
  return byTime === null ? control.maxAgeSeconds : Math.min(byTime, control.maxAgeSeconds);
}

export function ttlSecondsFor(question: string, policyTtlSeconds: number): number {
  return isTimeSensitive(question) ? Math.min(policyTtlSeconds, TIME_SENSITIVE_TTL_SECONDS) : policyTtlSeconds;
}

const REFUSAL_TEXT = /^(?:i'm|i am|i’m) (?:very |so )?sorry,? (?:but )?i (?:can't|can’t|cannot|am unable)/i;

/** Why an answer must not be stored; `null` when it may. Only whole answers of plain text that ended by themselves. */
export function storeRefusal({ body, control, policy }: CacheQuestion, answer: unknown): string | null {
  if (control.noStore) return 'no_store';
  if (!policy.exact && !policy.semantic) return 'cache_off';
  if (body['store'] === false) return 'store_false';
  const choices = isRecord(answer) ? answer['choices'] : undefined;
  if (!Array.isArray(choices) || choices.length === 0) return 'no_choices';
  for (const choice of choices as readonly unknown[]) {
    const refusal = choiceRefusal(choice);
    if (refusal !== null) return refusal;
  }
  return JSON.stringify(answer).length > ANSWER_CHARACTERS_MAX ? 'too_large' : null;
}

function choiceRefusal(choice: unknown): string | null {
  if (!isRecord(choice) || !isRecord(choice['message'])) return 'no_message';
  const { message } = choice;
  if (choice['finish_reason'] !== 'stop') return 'finish_reason';
  if (
    (Array.isArray(message['tool_calls']) && message['tool_calls'].length > 0) ||
    isRecord(message['function_call'])
  ) {
    return 'tool_calls';
  }
  if (message['refusal'] !== undefined && message['refusal'] !== null) return 'refusal';
  const content = message['content'];
  if (typeof content !== 'string' || content === '') return 'no_content';
  return REFUSAL_TEXT.test(content) ? 'refusal' : null;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
