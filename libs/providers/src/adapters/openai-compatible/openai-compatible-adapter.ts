import { openAiLike } from '../../domain/openai-like.js';
import { COMMON_SIGNS } from '../../domain/refusal-signs.js';
import { NEIGHBOUR_FIELDS } from '../../domain/upstream-body.js';
import type { ProviderAdapter } from '../../ports/provider-adapter.js';

/** Any server that copies OpenAI: vLLM, Ollama, llama.cpp, DeepSeek, Groq, Mistral, … Its base URL is configured. */
export const openAiCompatibleAdapter: ProviderAdapter = openAiLike({
  kind: 'openai-compatible',
  defaultBaseUrl: null,
  cancels: true,
  wishes: { drop: NEIGHBOUR_FIELDS },
  signs: COMMON_SIGNS,
  requestIdHeaders: ['x-request-id', 'request-id', 'x-trace-id', 'cf-ray'],
  bodyIdFirst: false,
});
