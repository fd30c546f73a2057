import type { ProviderCall, UpstreamRequest } from './provider-call.js';

/** Routing fields of OpenRouter and LiteLLM: for us, not for a provider that would refuse unknown fields. */
export const NEIGHBOUR_FIELDS: readonly string[] = ['provider', 'models', 'fallbacks', 'route', 'usage', 'transforms'];

export interface UpstreamWishes {
  /** Members that this kind does not know. */
  readonly drop: readonly string[];
  /** Members set where the client did not set them itself. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Headers beside content type and accept. */
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json' } as const;
const STREAM_HEADERS = { 'content-type': 'application/json', accept: 'text/event-stream' } as const;

/**
 * The body for a provider: a shallow copy with the model's name there, usage asked for on every stream, and foreign
 * routing fields left out. Everything else goes as it came.
 */
export function toUpstreamRequest(call: ProviderCall, wishes: UpstreamWishes): UpstreamRequest {
  const body: Record<string, unknown> = { ...call.body, model: call.model };
  for (const name of wishes.drop) if (body[name] !== undefined) delete body[name];
  if (isObject(body['metadata']) && Array.isArray(body['metadata']['tags'])) dropTags(body, body['metadata']);
  const streamed = call.api === 'chat.completions' && call.body.stream === true;
  if (streamed) body['stream_options'] = { ...call.body.stream_options, include_usage: true };
  if (call.api === 'chat.completions' && wishes.defaults !== undefined) {
    for (const name of Object.keys(wishes.defaults)) body[name] ??= wishes.defaults[name];
  }
  const headers = streamed ? STREAM_HEADERS : JSON_HEADERS;
  return {
    method: 'POST',
    path: call.api === 'embeddings' ? '/embeddings' : '/chat/completions',
    headers: wishes.headers === undefined ? headers : { ...headers, ...wishes.headers },
    body: JSON.stringify(body),
  };
}

/** LiteLLM's `metadata.tags` is a list; OpenAI's metadata holds strings only and refuses it. */
function dropTags(body: Record<string, unknown>, metadata: Readonly<Record<string, unknown>>): void {
  const { tags: _tags, ...rest } = metadata;
  if (Object.keys(rest).length === 0) delete body['metadata'];
  else body['metadata'] = rest;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
