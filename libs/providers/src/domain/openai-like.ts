import { fromOpenAiUsage } from '#openai-wire/domain/openai-usage.js';
import type { UsageReading } from '#openai-wire/domain/usage-reading.js';
import type { FailureClass, UpstreamRefusal } from './failure-class.js';
import type { ProviderCall, ProviderKind, UpstreamRequest } from './provider-call.js';
import { classifyRefusal } from './classify-refusal.js';
import type { RefusalSigns } from './refusal-signs.js';
import { headerOf } from './retry-after.js';
import { toUpstreamRequest, type UpstreamWishes } from './upstream-body.js';

/** How one kind differs from OpenAI itself. */
export interface KindTraits {
  readonly kind: ProviderKind;
  readonly defaultBaseUrl: string | null;
  readonly cancels: boolean;
  readonly wishes: UpstreamWishes;
  readonly signs: RefusalSigns;
  /** Headers with the id of a call, in the order of trust. */
  readonly requestIdHeaders: readonly string[];
  /** Is the id in the body the one that the provider's support and billing know? */
  readonly bodyIdFirst: boolean;
}

/** Has the shape of the port `ProviderAdapter`. */
export interface OpenAiLikeMapping {
  readonly kind: ProviderKind;
  readonly defaultBaseUrl: string | null;
  readonly cancels: boolean;
  toUpstream(call: ProviderCall): UpstreamRequest;
  authorization(apiKey: string): Readonly<Record<string, string>>;
  readUsage(usage: unknown): UsageReading;
  classify(refusal: UpstreamRefusal, nowMs: number): FailureClass;
  requestId(headers: UpstreamRefusal['headers'], bodyId: string | null): string | null;
}

/** The mapping for a provider that speaks chat completions, by its traits. */
export function openAiLike(traits: KindTraits): OpenAiLikeMapping {
  return {
    kind: traits.kind,
    defaultBaseUrl: traits.defaultBaseUrl,
    cancels: traits.cancels,
    toUpstream: (call) => toUpstreamRequest(call, traits.wishes),
    authorization: (apiKey) => (apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` }),
    readUsage: fromOpenAiUsage,
    classify: (refusal, nowMs) => classifyRefusal(refusal, nowMs, traits.signs),
    requestId: (headers, bodyId) => {
      const id = bodyId === null || bodyId === '' ? null : bodyId;
      if (traits.bodyIdFirst && id !== null) return bounded(id);
      for (const name of traits.requestIdHeaders) {
        const value = headerOf(headers, name);
        if (value !== null) return bounded(value);
      }
      return id === null ? null : bounded(id);
    },
  };
}

/** Ids go into receipts; a hostile one must not fill them. */
const bounded = (id: string): string => id.slice(0, 200);
