import { RouterError } from '#events/domain/router-error.js';
import { create, isAxiosError, type AxiosInstance } from 'axios';
import type { ModelCatalogue, OllamaFound } from '../../ports/model-catalogue.js';
import type { Provider } from '../../ports/provider-registry.js';

const TIMEOUT_MS = 3_000;
/** Catalogues of a thousand models have a few megabytes. */
const BYTES_MAX = 16 * 1024 * 1024;
const MODELS_MAX = 10_000;
const OLLAMA_URL = 'http://127.0.0.1:11434';
const OLLAMA_TIMEOUT_MS = 150;

export class AxiosModelCatalogue implements ModelCatalogue {
  private readonly http: AxiosInstance = create({
    maxRedirects: 0,
    maxContentLength: BYTES_MAX,
    responseType: 'json',
    // A proxy of the environment must not see our keys for local addresses.
    proxy: false,
  });

  async fetchModels(provider: Provider): Promise<readonly string[]> {
    const apiKey = provider.credentials[0]?.apiKey ?? '';
    const headers = { accept: 'application/json', ...provider.adapter.authorization(apiKey) };
    const body = await this.get(`${provider.baseUrl}/models`, headers, TIMEOUT_MS);
    const names = readNames(body, 'data', 'id');
    if (names === null) {
      throw new RouterError({
        code: 'upstream_bad_response',
        publicMessage: `Provider "${provider.name}" sent no list of models.`,
        httpStatus: 502,
        retryable: true,
      });
    }
    return names;
  }

  async detectOllama(baseUrl = OLLAMA_URL, timeoutMs = OLLAMA_TIMEOUT_MS): Promise<OllamaFound | null> {
    const base = baseUrl.replace(/\/+$/, '');
    try {
      const models = readNames(await this.get(`${base}/api/tags`, {}, timeoutMs), 'models', 'name');
      return models === null ? null : { baseUrl: `${base}/v1`, models };
    } catch {
      return null;
    }
  }

  private async get(url: string, headers: Record<string, string>, timeoutMs: number): Promise<unknown> {
    try {
      // The signal also bounds what axios' own timeout does not: connecting, and a body that drips.
      const signal = AbortSignal.timeout(timeoutMs);
      const { data } = await this.http.get<unknown>(url, { headers, timeout: timeoutMs, signal });
      return data;
    } catch (error) {
      // Neither the URL nor axios' error, which holds the request with its key, goes any further.
      const status = isAxiosError(error) ? error.response?.status : undefined;
      const reason = status === undefined ? 'no answer' : `status ${status}`;
      throw new RouterError({
        code: 'upstream_unavailable',
        publicMessage: `The list of models could not be read: ${reason}.`,
        httpStatus: 503,
        retryable: true,
      });
    }
  }
}

function readNames(body: unknown, list: string, field: string): readonly string[] | null {
  const items = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[list] : body;
  if (!Array.isArray(items)) return null;
  const names = new Set<string>();
  for (const item of items as readonly unknown[]) {
    const name = typeof item === 'object' && item !== null ? (item as Record<string, unknown>)[field] : undefined;
    if (typeof name === 'string' && name !== '' && name.length <= 256 && names.size < MODELS_MAX) names.add(name);
  }
  return [...names].sort();
}
