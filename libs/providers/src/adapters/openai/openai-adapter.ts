import { openAiLike } from '../../domain/openai-like.js';
import { COMMON_SIGNS } from '../../domain/refusal-signs.js';
import { NEIGHBOUR_FIELDS } from '../../domain/upstream-body.js';
import type { ProviderAdapter } from '../../ports/provider-adapter.js';

/** OpenAI itself. It refuses members that it does not know, so all foreign routing fields go. */
export const openAiAdapter: ProviderAdapter = openAiLike({
  kind: 'openai',
  defaultBaseUrl: 'https://api.openai.com/v1',
  cancels: true,
  wishes: { drop: NEIGHBOUR_FIELDS },
  signs: COMMON_SIGNS,
  requestIdHeaders: ['x-request-id'],
  bodyIdFirst: false,
});
