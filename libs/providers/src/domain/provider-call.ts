import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';

export const PROVIDER_KINDS = ['openai', 'openai-compatible', 'openrouter', 'ark', 'anthropic', 'demo'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** One call on its way to a provider, before the provider's own wishes are applied. */
export type ProviderCall =
  | { readonly api: 'chat.completions'; readonly body: ChatRequest; readonly model: string }
  | { readonly api: 'embeddings'; readonly body: EmbeddingsRequest; readonly model: string };

/** What goes on the wire. `path` is appended to the provider's base URL. */
export interface UpstreamRequest {
  readonly method: 'POST' | 'GET';
  readonly path: string;
  /** Without authorization: the transport adds the credential. Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
