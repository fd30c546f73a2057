import { openAiLike } from '../../domain/openai-like.js';
import { withSigns } from '../../domain/refusal-signs.js';
import type { ProviderAdapter } from '../../ports/provider-adapter.js';

/**
 * OpenRouter. Knows its own `provider{}`, `models[]` and `route`, which go through; tells its cost when asked with
 * `usage.include`. Its id of a call is the body's `gen-…`, which `GET /generation?id=` takes. Whether closing the
 * connection stops the billing depends on the provider behind it, so it counts as no.
 */
export const openRouterAdapter: ProviderAdapter = openAiLike({
  kind: 'openrouter',
  defaultBaseUrl: 'https://openrouter.ai/api/v1',
  cancels: false,
  wishes: { drop: ['fallbacks'], defaults: { usage: { include: true } }, headers: { 'x-title': 'NextModel' } },
  signs: withSigns({
    contentPolicy: { codes: ['moderation'], text: /requires moderation|was flagged|flagged for/i },
    quota: { text: /requires more credits|never purchased credits|key limit exceeded/i },
    modelUnknown: { text: /not a valid model id|no endpoints found for/i },
  }),
  requestIdHeaders: ['x-generation-id', 'x-request-id', 'cf-ray'],
  bodyIdFirst: true,
});
