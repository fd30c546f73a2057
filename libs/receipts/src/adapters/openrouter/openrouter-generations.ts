import { setTimeout as sleep } from 'node:timers/promises';
import { create, isAxiosError, type AxiosInstance } from 'axios';
import { RouterError } from '#events/domain/router-error.js';
import { roundedDecimal } from '#pricing/domain/exact-decimal.js';
import type { Generation } from '../../domain/generation.js';
import type { GenerationSource } from '../../ports/generation-source.js';

const TIMEOUT_MS = 10_000;
const BYTES_MAX = 256 * 1024;
const TRIES = 3;
const RETRY_MS = 500;

export interface OpenRouterBooks {
  /** For instance `https://openrouter.ai/api/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Between tries, default 500 ms. */
  readonly retryMs?: number;
}

/** OpenRouter's `GET /generation?id=`, a call at a time; 429 and 5xx are tried three times. */
export class OpenRouterGenerations implements GenerationSource {
  readonly #http: AxiosInstance;
  readonly #retryMs: number;

  constructor({ baseUrl, apiKey, retryMs = RETRY_MS }: OpenRouterBooks) {
    this.#retryMs = retryMs;
    this.#http = create({
      baseURL: baseUrl,
      headers: { accept: 'application/json', authorization: `Bearer ${apiKey}` },
      timeout: TIMEOUT_MS,
      maxRedirects: 0,
      maxContentLength: BYTES_MAX,
      proxy: false,
    });
  }

  async find(id: string): Promise<Generation | null> {
    for (let tries = 1; ; tries += 1) {
      try {
        const { data } = await this.#http.get<unknown>('/generation', { params: { id } });
        return readGeneration(data);
      } catch (error) {
        if (error instanceof RouterError) throw error;
        const status = isAxiosError(error) ? (error.response?.status ?? 0) : 0;
        if (status === 404) return null;
        const again = status === 0 || status === 429 || status >= 500;
        if (again && tries < TRIES) {
          await sleep(this.#retryMs * tries);
          continue;
        }
        // Not the error itself: it holds the request with its key.
        throw new RouterError({
          code: 'upstream_unavailable',
          publicMessage: `OpenRouter could not be asked for a generation: ${status === 0 ? 'no answer' : `status ${status}`}.`,
          httpStatus: 503,
          retryable: true,
        });
      }
    }
  }
}

function readGeneration(body: unknown): Generation {
  const data = (body as { readonly data?: unknown } | null)?.data;
  const fields = typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
  const money = (name: string): bigint | null => {
    const value = fields[name];
    return typeof value === 'number' ? roundedDecimal(String(value), 12) : null;
  };
  const count = (name: string): number | null => {
    const value = fields[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
  };
  const { id } = fields;
  const total = money('total_cost');
  if (typeof id !== 'string' || total === null) {
    throw new RouterError({
      code: 'upstream_bad_response',
      publicMessage: 'OpenRouter sent no generation with a cost.',
      httpStatus: 502,
    });
  }
  // With a key of one's own, `total_cost` is only OpenRouter's fee.
  const upstream = fields['is_byok'] === true ? (money('upstream_inference_cost') ?? 0n) : 0n;
  return {
    id,
    cost: total + upstream,
    promptTokens: count('native_tokens_prompt'),
    completionTokens: count('native_tokens_completion'),
    cachedTokens: count('native_tokens_cached'),
    cancelled: fields['cancelled'] === true,
  };
}
