import type { Provider } from './provider-registry.js';

/** What models a provider has, asked over the network. Control plane: in the background, never for a request. */
export interface ModelCatalogue {
  /**
   * `GET {base}/models`, sorted, without duplicates. Times out after 3 s and follows no redirect.
   * @throws RouterError `upstream_unavailable` or `upstream_bad_response`; ask again later.
   */
  fetchModels(provider: Provider): Promise<readonly string[]>;
  /**
   * Is there an Ollama, and with which models? Never rejects: `null` when nothing answers in time like one.
   * @param baseUrl default `http://127.0.0.1:11434`, without `/v1`
   * @param timeoutMs default 150
   */
  detectOllama(baseUrl?: string, timeoutMs?: number): Promise<OllamaFound | null>;
}

export interface OllamaFound {
  /** With `/v1`: what a provider of kind `openai-compatible` needs. */
  readonly baseUrl: string;
  readonly models: readonly string[];
}
