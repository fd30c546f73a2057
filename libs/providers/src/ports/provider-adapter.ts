import type { RouterErrorCode } from '#events/domain/router-error.js';
import type { ChatRequest, EmbeddingsRequest } from '#openai-wire/domain/chat-request.js';
import type { UsageReading } from '#openai-wire/domain/usage-reading.js';

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

/** An answer that is no success, as received. */
export interface UpstreamRefusal {
  /** 200 when a stream's first frame was an error. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** At most 64 KiB of it. Hostile text: never shown to a client, it may quote our key. */
  readonly bodyText: string;
}

/** What the attempt engine does about a failure; see `reference` table in docs/reliability.md. */
export interface FailureClass {
  readonly code: RouterErrorCode;
  /** Try the same target once more (within budgets). */
  readonly retrySame: boolean;
  /** Try the next target of the plan. */
  readonly nextTarget: 'yes' | 'no' | 'larger_context' | 'policy_fallback';
  /** What the breaker of (provider, model, credential) learns. */
  readonly breaker: 'ignore' | 'failure' | 'throttle' | 'eject_credential';
  /** Did the provider charge for it, as far as can be known? */
  readonly billed: 'yes' | 'no' | 'unknown';
  /** Status for the client if this was the last attempt. */
  readonly clientStatus: number;
  readonly clientType: string;
  /** Safe text for the client. */
  readonly publicMessage: string;
  readonly param: string | null;
  /** What the provider asked to wait; from seconds, milliseconds or an HTTP date. */
  readonly retryAfterMs: number | null;
}

/** Everything that differs between kinds of providers. Pure: it maps, it does not call. */
export interface ProviderAdapter {
  readonly kind: ProviderKind;
  readonly defaultBaseUrl: string | null;
  /** Does closing the connection stop the provider from billing? Where not, a bounded drain learns the usage. */
  readonly cancels: boolean;
  /**
   * Rewrites the body for this provider: its model name, `stream_options.include_usage` on every stream,
   * routing fields of neighbours removed or translated; all unknown fields kept.
   */
  toUpstream(call: ProviderCall): UpstreamRequest;
  authorization(apiKey: string): Readonly<Record<string, string>>;
  /** `usage` of a body or of a stream's chunk. */
  readUsage(usage: unknown): UsageReading;
  /** Decides what a refusal means. `nowMs` is for HTTP dates. */
  classify(refusal: UpstreamRefusal, nowMs: number): FailureClass;
  /** Provider's id of the call, from headers or body; `null` when it gives none. */
  requestId(headers: UpstreamRefusal['headers'], bodyId: string | null): string | null;
}
