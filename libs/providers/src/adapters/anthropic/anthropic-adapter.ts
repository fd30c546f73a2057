import { openAiLike } from '../../domain/openai-like.js';
import { withSigns } from '../../domain/refusal-signs.js';
import { NEIGHBOUR_FIELDS } from '../../domain/upstream-body.js';
import type { ProviderAdapter } from '../../ports/provider-adapter.js';

/**
 * Anthropic through its OpenAI-compatible endpoint. Usage there counts as at OpenAI; errors may come in Anthropic's own
 * shape, with its own words for a full context, an empty account and overload (529).
 */
export const anthropicAdapter: ProviderAdapter = openAiLike({
  kind: 'anthropic',
  defaultBaseUrl: 'https://api.anthropic.com/v1',
  cancels: true,
  wishes: { drop: NEIGHBOUR_FIELDS },
  signs: withSigns({
    contextLength: { text: /prompt is too long|exceed context limit/i },
    contentPolicy: { text: /blocked by content filtering/i },
    quota: { text: /credit balance is too low/i },
  }),
  requestIdHeaders: ['request-id', 'x-request-id', 'cf-ray'],
  bodyIdFirst: false,
});
