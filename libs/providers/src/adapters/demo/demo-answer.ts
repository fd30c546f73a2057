import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import { lastUserText, textOfContent } from '#openai-wire/domain/text-of-content.js';
import { valueForSchema } from './schema-value.js';

interface DemoToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface DemoAnswer {
  readonly content: string | null;
  readonly toolCalls: readonly DemoToolCall[];
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
}

type Fields = Readonly<Record<string, unknown>>;

/** The answer to a chat body: a function of the body alone. */
export function demoAnswer(body: ChatRequest, choice: number): DemoAnswer {
  const prompt = lastUserText(body.messages);
  const calls = toolCalls(body, prompt);
  if (calls.length > 0) return { content: null, toolCalls: calls, finishReason: 'tool_calls' };
  const structured = structuredText(body, prompt);
  if (structured !== null) return { content: structured, toolCalls: [], finishReason: 'stop' };
  return limited(body, proseFor(body, prompt, choice));
}

/** Calls the tools when they are there and none has answered yet, as a model mostly does. */
function toolCalls(body: ChatRequest, prompt: string): readonly DemoToolCall[] {
  const choice = body['tool_choice'];
  const tools = (Array.isArray(body['tools']) ? (body['tools'] as readonly unknown[]) : []).flatMap((tool) => {
    const run = isFields(tool) && isFields(tool['function']) ? tool['function'] : null;
    return run !== null && typeof run['name'] === 'string'
      ? [{ name: run['name'], parameters: run['parameters'] }]
      : [];
  });
  if (tools.length === 0 || choice === 'none') return [];
  const forced = choice === 'required' || isFields(choice);
  if (body.messages.at(-1)?.role === 'tool' && !forced) return [];
  const named = isFields(choice) && isFields(choice['function']) ? choice['function']['name'] : undefined;
  const wanted =
    tools.find(({ name }) => name === named) ?? tools.find(({ name }) => mentions(prompt, name)) ?? tools[0];
  if (wanted === undefined) return [];
  const value = valueForSchema(wanted.parameters ?? { type: 'object' }, prompt);
  const id = `call_${hash(`${wanted.name} ${prompt}`).toString(36).padStart(7, '0')}`;
  return [{ id, type: 'function', function: { name: wanted.name, arguments: JSON.stringify(value) } }];
}

/** Does the prompt speak of what the tool's name says: `get_weather`, "weather"? */
function mentions(prompt: string, toolName: string): boolean {
  const said = prompt.toLowerCase();
  return toolName
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .some((word) => word.length > 3 && said.includes(word));
}

function structuredText(body: ChatRequest, prompt: string): string | null {
  const format = body['response_format'];
  if (!isFields(format)) return null;
  if (format['type'] === 'json_schema') {
    const wrapped = format['json_schema'];
    return JSON.stringify(valueForSchema(isFields(wrapped) ? wrapped['schema'] : {}, prompt));
  }
  return format['type'] === 'json_object' ? JSON.stringify({ answer: quoteOf(prompt), source: 'demo' }) : null;
}

const OPENINGS = ['Here is', 'This is', 'You get'] as const;

function proseFor(body: ChatRequest, prompt: string, choice: number): string {
  const last = body.messages.at(-1);
  if (last?.role === 'tool') return `The tool says: ${shorten(textOfContent(last.content), 160)} (demo answer)`;
  const words = prompt.trim() === '' ? 0 : prompt.trim().split(/\s+/).length;
  const opening = OPENINGS[(hash(prompt) + choice) % OPENINGS.length] ?? OPENINGS[0];
  const kind = /\?\s*$/.test(prompt) ? 'question' : 'message';
  const text =
    `${opening} the demo's answer to your ${kind} of ${words} ${words === 1 ? 'word' : 'words'}: "${quoteOf(prompt)}". ` +
    `It was made on this machine by ${body.model}, without any network.`;
  if (body.model !== 'demo-large') return text;
  return `${text} The larger demo model says a little more: put a provider's key into the environment, and the same call is answered by that provider, with its receipt beside it.`;
}

/** Honours `max_tokens`, counted in words, and `stop`. */
function limited(body: ChatRequest, text: string): DemoAnswer {
  let content = text;
  const { stop } = body;
  const stops = typeof stop === 'string' ? [stop] : Array.isArray(stop) ? (stop as readonly unknown[]) : [];
  for (const one of stops) {
    const at = typeof one === 'string' && one !== '' ? content.indexOf(one) : -1;
    if (at >= 0) content = content.slice(0, at);
  }
  const most = body['max_completion_tokens'] ?? body['max_tokens'];
  const pieces = content.match(/\S+\s*/g) ?? [];
  if (typeof most !== 'number' || most < 1 || pieces.length <= most)
    return { content, toolCalls: [], finishReason: 'stop' };
  return { content: pieces.slice(0, most).join('').trimEnd(), toolCalls: [], finishReason: 'length' };
}

const quoteOf = (prompt: string): string => shorten(prompt.replace(/\s+/g, ' ').trim(), 120) || '…';

function shorten(text: string, chars: number): string {
  const units = [...text];
  return units.length <= chars ? text : `${units.slice(0, chars).join('')}…`;
}

/** FNV-1a, 32 bits: a seed that any machine computes alike. */
export function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return state;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
