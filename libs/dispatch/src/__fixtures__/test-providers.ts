import type { FailureClass, ProviderAdapter, UpstreamRefusal } from '#providers/ports/provider-adapter.js';
import type { Provider, ProviderRegistry } from '#providers/ports/provider-registry.js';
import { fromOpenAiUsage } from '#openai-wire/domain/openai-usage.js';

const base: FailureClass = {
  code: 'upstream_error',
  retrySame: true,
  nextTarget: 'yes',
  breaker: 'failure',
  billed: 'unknown',
  clientStatus: 502,
  clientType: 'server_error',
  publicMessage: 'The provider failed.',
  param: null,
  retryAfterMs: null,
};

/** The smallest adapter for OpenAI's dialect, so that the engine is tested without any real provider's code. */
const plainAdapter: ProviderAdapter = {
  kind: 'openai-compatible',
  defaultBaseUrl: null,
  cancels: true,
  toUpstream: ({ api, body, model }) => ({
    method: 'POST',
    path: `/${api === 'embeddings' ? 'embeddings' : 'chat/completions'}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, model }),
  }),
  authorization: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  readUsage: fromOpenAiUsage,
  requestId: (headers, bodyId) => (typeof headers['x-request-id'] === 'string' ? headers['x-request-id'] : bodyId),
  classify: classifyPlain,
};

function classifyPlain({ status, headers, bodyText }: UpstreamRefusal, nowMs: number): FailureClass {
  const { code, message } = innerError(bodyText);
  const retryAfterMs = waitOf(headers, nowMs);
  if (code === 'insufficient_quota') {
    return { ...base, code: 'upstream_quota_exhausted', retrySame: false, breaker: 'eject_credential', billed: 'no', clientStatus: 429 };
  }
  if (status === 429 || code === 'rate_limit_exceeded') {
    return { ...base, code: 'upstream_rate_limited', retrySame: retryAfterMs !== null, breaker: 'throttle', billed: 'no', clientStatus: 429, clientType: 'requests', retryAfterMs };
  }
  if (status === 401 || status === 403) {
    return { ...base, code: 'upstream_auth_failed', retrySame: false, breaker: 'eject_credential', billed: 'no', clientStatus: 502 };
  }
  if ([400, 404, 413, 422].includes(status)) {
    const larger = code === 'context_length_exceeded';
    const policy = code === 'content_policy_violation';
    return {
      ...base,
      code: larger || policy ? code : 'upstream_rejected',
      retrySame: false,
      nextTarget: larger ? 'larger_context' : policy ? 'policy_fallback' : 'no',
      breaker: 'ignore',
      billed: 'no',
      clientStatus: status,
      clientType: 'invalid_request_error',
      publicMessage: message,
    };
  }
  if (status === 408 || status === 409) return { ...base, breaker: 'ignore', clientStatus: status === 408 ? 504 : 409 };
  return { ...base, retryAfterMs };
}

function innerError(text: string): { readonly code: string | null; readonly message: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    return { code: typeof error?.code === 'string' ? error.code : null, message: String(error?.message ?? '') };
  } catch {
    return { code: null, message: '' };
  }
}

function waitOf(headers: UpstreamRefusal['headers'], nowMs: number): number | null {
  const ms = headers['retry-after-ms'];
  if (typeof ms === 'string') return Number(ms);
  const after = headers['retry-after'];
  if (typeof after !== 'string') return null;
  const seconds = Number(after);
  return Number.isNaN(seconds) ? Math.max(0, Date.parse(after) - nowMs) : seconds * 1_000;
}

export function testProvider(name: string, baseUrl: string, keys: readonly string[] = ['secret']): Provider {
  return {
    name,
    adapter: plainAdapter,
    baseUrl,
    credentials: keys.map((apiKey, at) => ({ id: `${name}/${at + 1}`, apiKey })),
    models: [],
  };
}

export function testRegistry(providers: readonly Provider[]): ProviderRegistry {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  return { get: (name) => byName.get(name), names: [...byName.keys()] };
}
