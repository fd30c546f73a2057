import type { Meters } from '#events/domain/meters.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import { estimateInputTokens, estimatePromptTokens } from '#openai-wire/domain/estimate-tokens.js';

const CHARS_PER_TOKEN = 4;
/** Nothing that a model writes as text lies deeper; a hostile answer may. */
const DEPTH_MAX = 24;

/**
 * Meters of an answer whose provider sent no usage: the prompt that was sent and the characters that came, four to a
 * token. Always marked as estimated.
 */
export function estimateAnswerMeters(body: ChatRequest | EmbeddingsRequest, chars: number): Meters {
  if (!isChat(body)) return { input_uncached: estimateInputTokens(body.input) };
  return { input_uncached: estimatePromptTokens(body), output_text: Math.ceil(chars / CHARS_PER_TOKEN) };
}

/** Characters that a chunk or a whole answer delivers: content, reasoning, refusal and tool arguments of all choices. */
export function deliveredChars(answer: Readonly<Record<string, unknown>>): number {
  const { choices } = answer;
  if (!Array.isArray(choices)) return 0;
  let sum = 0;
  for (const choice of choices as readonly unknown[]) {
    if (typeof choice !== 'object' || choice === null) continue;
    const { delta, message, text } = choice as Readonly<Record<string, unknown>>;
    sum += shownChars(delta) + shownChars(message) + (typeof text === 'string' ? text.length : 0);
  }
  return sum;
}

function shownChars(delta: unknown): number {
  if (typeof delta !== 'object' || delta === null) return 0;
  const { content, reasoning_content, reasoning, refusal, tool_calls } = delta as Readonly<Record<string, unknown>>;
  let sum = typeof content === 'string' ? content.length : textChars(content, 0);
  // Some hosts send the same reasoning under both names.
  if (typeof reasoning_content === 'string') sum += reasoning_content.length;
  else if (typeof reasoning === 'string') sum += reasoning.length;
  if (typeof refusal === 'string') sum += refusal.length;
  return tool_calls === undefined ? sum : sum + textChars(tool_calls, 0);
}

function textChars(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return 0;
  let sum = 0;
  for (const item of Object.values(value)) sum += textChars(item, depth + 1);
  return sum;
}

const isChat = (body: ChatRequest | EmbeddingsRequest): body is ChatRequest => Array.isArray(body['messages']);
