import { create, isAxiosError, type AxiosInstance } from 'axios';
import { RouterError } from '#events/domain/router-error.js';
import type { Embedder } from '../../ports/embedder.js';

export interface RemoteEmbedderOptions {
  /** Base of an OpenAI-compatible API, ending in `/v1`. */
  readonly baseUrl: string;
  /** `null` = none is sent. */
  readonly apiKey: string | null;
  readonly model: string;
  readonly dimensions: number;
  /** Default 50 ms: a slow embedder is a miss. */
  readonly timeoutMs?: number;
}

/** Any `/v1/embeddings` as an embedder. Answers are checked: another length or anything but finite numbers is an error. */
export class RemoteEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly #http: AxiosInstance;
  readonly #model: string;
  readonly #timeoutMs: number;

  constructor({ baseUrl, apiKey, model, dimensions, timeoutMs = 50 }: RemoteEmbedderOptions) {
    this.id = `remote:${new URL(baseUrl).host}:${model}:${dimensions}`;
    this.dimensions = dimensions;
    this.#model = model;
    this.#timeoutMs = timeoutMs;
    this.#http = create({
      baseURL: baseUrl.replace(/\/+$/, ''),
      proxy: false,
      maxRedirects: 0,
      maxContentLength: 4 * 1_024 * 1_024,
      headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
    });
  }

  /** @throws RouterError `upstream_unavailable`, without the text and the key, on any fault or delay. */
  async embed(text: string): Promise<Float32Array | null> {
    let body: unknown;
    try {
      const response = await this.#http.post<unknown>(
        '/embeddings',
        { model: this.#model, input: text, encoding_format: 'float' },
        { signal: AbortSignal.timeout(this.#timeoutMs) },
      );
      body = response.data;
    } catch (error) {
      const status = isAxiosError(error) ? (error.response?.status ?? error.code ?? 'failed') : 'failed';
      throw unavailable(`embeddings: ${status}`);
    }
    const vector = vectorIn(body);
    if (vector === null || vector.length !== this.dimensions) throw unavailable('embeddings: not a vector');
    const length = Math.hypot(...vector);
    if (!Number.isFinite(length)) throw unavailable('embeddings: not finite');
    return length === 0 ? null : Float32Array.from(vector, (x) => x / length);
  }
}

function vectorIn(body: unknown): readonly number[] | null {
  const data = (body as { data?: unknown } | null)?.data;
  const first: unknown = Array.isArray(data) ? data[0] : null;
  const vector = (first as { embedding?: unknown } | null)?.embedding;
  return Array.isArray(vector) && vector.every((x) => typeof x === 'number') ? vector : null;
}

function unavailable(detail: string): RouterError {
  return new RouterError({
    code: 'upstream_unavailable',
    publicMessage: 'The embedding service does not answer.',
    detail,
    retryable: true,
    httpStatus: 503,
  });
}
