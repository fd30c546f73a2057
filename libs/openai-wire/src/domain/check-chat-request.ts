import type { ChatRequest } from './chat-request.js';
import { bodyProblem, modelProblem, problem, REQUEST_LIMITS, type RequestProblem } from './request-limits.js';

type Body = Readonly<Record<string, unknown>>;

/**
 * Checks a parsed chat body by hand: only what the router itself reads, and the limits that protect it. Unknown fields
 * stay for the provider to judge. Nothing is copied or changed; member names such as `__proto__` are plain data.
 */
export function checkChatRequest(
  parsed: unknown,
): { readonly ok: true; readonly request: ChatRequest } | RequestProblem {
  if (!isObject(parsed)) return problem('The request body must be a JSON object.', null);
  const found =
    modelProblem(parsed['model']) ??
    messagesProblem(parsed['messages']) ??
    toolsProblem(parsed) ??
    fieldsProblem(parsed);
  if (found !== null) return found;
  const fault = bodyProblem(parsed);
  if (fault !== null) return fault;
  return { ok: true, request: parsed as ChatRequest };
}

function messagesProblem(messages: unknown): RequestProblem | null {
  if (messages === undefined || messages === null) {
    return problem("Missing required parameter: 'messages'.", 'messages');
  }
  if (!Array.isArray(messages)) return problem("Invalid type for 'messages': expected an array.", 'messages');
  if (messages.length === 0) return problem("Invalid 'messages': expected at least one message.", 'messages');
  if (messages.length > REQUEST_LIMITS.messages) {
    return problem(`Invalid 'messages': at most ${REQUEST_LIMITS.messages} messages.`, 'messages');
  }
  for (let n = 0; n < messages.length; n += 1) {
    const message: unknown = messages[n];
    if (!isObject(message)) return problem(`Invalid type for 'messages[${n}]': expected an object.`, `messages[${n}]`);
    const { role, content } = message;
    if (typeof role !== 'string' || role === '') {
      return problem(`Invalid 'messages[${n}].role': expected a string.`, `messages[${n}].role`);
    }
    if (content === undefined || content === null || typeof content === 'string') continue;
    if (!Array.isArray(content)) {
      return problem(
        `Invalid type for 'messages[${n}].content': expected a string or an array of parts.`,
        `messages[${n}].content`,
      );
    }
    const part = content.findIndex((item) => !isObject(item));
    if (part >= 0) {
      const param = `messages[${n}].content[${part}]`;
      return problem(`Invalid type for '${param}': expected an object.`, param);
    }
  }
  return null;
}

function toolsProblem(body: Body): RequestProblem | null {
  const { tools } = body;
  if (tools === undefined || tools === null) return null;
  if (!Array.isArray(tools)) return problem("Invalid type for 'tools': expected an array.", 'tools');
  if (tools.length > REQUEST_LIMITS.tools) {
    return problem(`Invalid 'tools': at most ${REQUEST_LIMITS.tools} tools.`, 'tools');
  }
  const wrong = tools.findIndex((tool) => !isObject(tool));
  return wrong < 0 ? null : problem(`Invalid type for 'tools[${wrong}]': expected an object.`, `tools[${wrong}]`);
}

const isNumber = (value: unknown): boolean => typeof value === 'number';
const isInteger = (value: unknown): boolean => Number.isSafeInteger(value);
const isPositiveInteger = (value: unknown): boolean => isInteger(value) && (value as number) >= 1;
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

/** Type of each field that the router, the cache or the demo reads. `null` counts as absent. */
const FIELDS: readonly (readonly [name: string, ok: (value: unknown) => boolean, expected: string])[] = [
  ['stream', isBoolean, 'a boolean'],
  ['stream_options', isObject, 'an object'],
  ['temperature', isNumber, 'a number'],
  ['top_p', isNumber, 'a number'],
  ['presence_penalty', isNumber, 'a number'],
  ['frequency_penalty', isNumber, 'a number'],
  ['max_tokens', isPositiveInteger, 'an integer of at least 1'],
  ['max_completion_tokens', isPositiveInteger, 'an integer of at least 1'],
  ['seed', isInteger, 'an integer'],
  ['stop', (value) => typeof value === 'string' || isStrings(value), 'a string or an array of strings'],
  ['user', (value) => typeof value === 'string', 'a string'],
  ['response_format', isObject, 'an object'],
  ['metadata', isObject, 'an object'],
  ['provider', isObject, 'an object'],
  [
    'models',
    (value) => isStrings(value) && (value as unknown[]).length <= REQUEST_LIMITS.fallbackModels,
    'at most 32 names',
  ],
  [
    'fallbacks',
    (value) => Array.isArray(value) && value.length <= REQUEST_LIMITS.fallbackModels,
    'an array of at most 32',
  ],
];

function fieldsProblem(body: Body): RequestProblem | null {
  for (const [name, ok, expected] of FIELDS) {
    const value = body[name];
    if (value !== undefined && value !== null && !ok(value)) {
      return problem(`Invalid '${name}': expected ${expected}.`, name);
    }
  }
  const { n } = body;
  if (
    n !== undefined &&
    n !== null &&
    !(isInteger(n) && (n as number) >= 1 && (n as number) <= REQUEST_LIMITS.choices)
  ) {
    return problem(`Invalid 'n': expected an integer between 1 and ${REQUEST_LIMITS.choices}.`, 'n');
  }
  const include = isObject(body['stream_options']) ? body['stream_options']['include_usage'] : undefined;
  if (include !== undefined && include !== null && !isBoolean(include)) {
    return problem("Invalid 'stream_options.include_usage': expected a boolean.", 'stream_options.include_usage');
  }
  return null;
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
