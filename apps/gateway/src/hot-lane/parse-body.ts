import type { Api } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import { checkChatRequest } from '#openai-wire/domain/check-chat-request.js';
import { checkEmbeddingsRequest } from '#openai-wire/domain/check-embeddings-request.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';

/** Editors and some clients put it in front; JSON has no place for it. */
const BYTE_ORDER_MARK = 0xfe_ff;

export type ParsedBody =
  | { readonly body: ChatRequest | EmbeddingsRequest; readonly problem: null }
  | { readonly body: null; readonly problem: RouterError };

/** Parses a body once and checks what the router reads of it; the rest is the provider's to judge. */
export function parseBody(api: Api, rawBody: Buffer): ParsedBody {
  let parsed: unknown;
  try {
    const text = rawBody.toString('utf8');
    parsed = JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
  } catch {
    const publicMessage = rawBody.byteLength === 0 ? 'The request has no body.' : 'The request body is not valid JSON.';
    return { body: null, problem: new RouterError({ code: 'invalid_json', publicMessage, httpStatus: 400 }) };
  }
  const checked = api === 'embeddings' ? checkEmbeddingsRequest(parsed) : checkChatRequest(parsed);
  if (checked.ok) return { body: checked.request, problem: null };
  const { message, param } = checked;
  return {
    body: null,
    problem: new RouterError({ code: 'invalid_request', publicMessage: message, httpStatus: 400, param }),
  };
}
