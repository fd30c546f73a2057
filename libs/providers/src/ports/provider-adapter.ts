import type { UsageReading } from '#openai-wire/domain/usage-reading.js';
import type { FailureClass, UpstreamRefusal } from '../domain/failure-class.js';
import type { ProviderCall, ProviderKind, UpstreamRequest } from '../domain/provider-call.js';

// The names of this port's values are read from here by its callers.
export { PROVIDER_KINDS } from '../domain/provider-call.js';
export type { FailureClass, ProviderCall, ProviderKind, UpstreamRefusal, UpstreamRequest };

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
