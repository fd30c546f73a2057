import type { ChatMessage, ChatRequest } from '#openai-wire/domain/chat-request.js';
import { canonicalJson } from './canonical-json.js';

/** Part of every scope: raise it when the meaning of keys or of the verifier changes, and all entries are stale. */
export const CACHE_EPOCH = 2;

/** Do not change the answer: how it is delivered and what the caller notes beside it. */
const OUTSIDE_THE_KEY: ReadonlySet<string> = new Set(['stream', 'stream_options', 'user', 'metadata', 'messages']);

export interface ScopeSource {
  readonly tenantId: string;
  readonly resolvedModel: string;
  readonly policyHash: string;
  readonly body: ChatRequest;
}

export interface RequestParts {
  /** Text of the last turn; empty when the request ends in no plain user turn. */
  readonly question: string;
  /** Everything else of the messages. */
  readonly context: readonly unknown[];
}

/** Splits off the text of the last turn when it is a user's and plain text; all else must match exactly. */
export function splitMessages(messages: readonly ChatMessage[]): RequestParts {
  const last = messages.at(-1);
  const text = last?.role === 'user' ? plainText(last.content) : null;
  if (last === undefined || text === null || text === '') return { question: '', context: messages };
  return { question: text, context: [...messages.slice(0, -1), { ...last, content: null }] };
}

/** A string, or one text part and nothing else. */
function plainText(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content) || content.length !== 1) return null;
  const part: unknown = content[0];
  if (typeof part !== 'object' || part === null || Object.keys(part).length !== 2) return null;
  const { type, text } = part as { type?: unknown; text?: unknown };
  return type === 'text' && typeof text === 'string' ? text : null;
}

/**
 * Text of all that must match exactly: tenant, models, policy, every message but the last turn's text, and every
 * other field of the body. Injective, because it is one JSON array. Its sha256 is the scope.
 */
export function scopeText(source: ScopeSource, context: readonly unknown[]): string {
  const fields = Object.entries(source.body).filter(([name]) => !OUTSIDE_THE_KEY.has(name));
  return canonicalJson([
    'nextmodel-cache-scope',
    CACHE_EPOCH,
    source.tenantId,
    'chat.completions',
    source.resolvedModel,
    source.policyHash,
    context,
    fields.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
