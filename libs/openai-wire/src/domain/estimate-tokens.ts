import type { Meters } from '#events/domain/meters.js';
import type { ChatRequest, EmbeddingsRequest } from './chat-request.js';
import { textOfContent } from './text-of-content.js';

/** Tokens that chat formats add to each message. */
const PER_MESSAGE = 4;
/** Tokens of one picture when nothing is known of its size; a low-detail picture at OpenAI. */
const PER_PICTURE = 85;

/**
 * Tokens of a text as UTF-8 bytes / 4, rounded up: within a factor of two for prose and code in any script. For
 * admission and for answers whose usage never came; always flagged as an estimate.
 */
export function estimateTokens(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // A surrogate pair has two units and four bytes.
    if (code >= 0x80) bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return Math.ceil(bytes / 4);
}

/** Prompt tokens of a chat body: messages, tool calls in them, and tool definitions. */
export function estimatePromptTokens(body: ChatRequest): number {
  let tokens = 3;
  for (const message of body.messages) {
    tokens += PER_MESSAGE + estimateTokens(textOfContent(message.content));
    if (Array.isArray(message.content)) tokens += PER_PICTURE * message.content.filter(isPicture).length;
    if (message['tool_calls'] !== undefined) tokens += estimateTokens(JSON.stringify(message['tool_calls']));
  }
  if (body['tools'] !== undefined) tokens += estimateTokens(JSON.stringify(body['tools']));
  return tokens;
}

/** Tokens of an embeddings input; token arrays are counted exactly. */
export function estimateInputTokens(input: EmbeddingsRequest['input']): number {
  if (typeof input === 'string') return estimateTokens(input);
  let tokens = 0;
  for (const item of input) {
    if (typeof item === 'number') tokens += 1;
    else tokens += typeof item === 'string' ? estimateTokens(item) : item.length;
  }
  return tokens;
}

/** Meters of an answer without usage: the prompt, and the text that was delivered. */
export function estimateMeters(body: ChatRequest, deliveredText: string): Meters {
  return { input_uncached: estimatePromptTokens(body), output_text: estimateTokens(deliveredText) };
}

function isPicture(part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return false;
  const { type } = part as { readonly type?: unknown };
  return type === 'image_url' || type === 'input_image';
}
