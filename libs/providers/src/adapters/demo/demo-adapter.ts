import { openAiLike } from '../../domain/openai-like.js';
import { COMMON_SIGNS } from '../../domain/refusal-signs.js';
import { NEIGHBOUR_FIELDS } from '../../domain/upstream-body.js';
import type { ProviderAdapter } from '../../ports/provider-adapter.js';

/** The provider that is built in: no network, no key. It listens on a port of its own, which is its base URL. */
export const demoAdapter: ProviderAdapter = openAiLike({
  kind: 'demo',
  defaultBaseUrl: null,
  cancels: true,
  wishes: { drop: NEIGHBOUR_FIELDS },
  signs: COMMON_SIGNS,
  requestIdHeaders: ['x-request-id'],
  bodyIdFirst: false,
});
