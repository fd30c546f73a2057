import { create, isAxiosError, type AxiosInstance, type AxiosResponse } from 'axios';
import { RouterError } from '#events/domain/router-error.js';
import type { Embedder, EmbeddingEnd, EmbeddingWatch } from '../../ports/embedder.js';

export interface RemoteEmbedderOptions {
  /** Names model, provider and length: vectors of two ids are never compared. */
  readonly id: string;
  /** Base of an OpenAI-compatible API, ending in `/v1`. */
  readonly baseUrl: string;
  /** `null` = none is sent. */
  readonly apiKey: string | null;
  readonly model: string;
  readonly dimensions: number;
  /** Default 50 ms: a slow embedder is a miss. */
  readonly timeoutMs?: number;
}

/** Refused before a byte of the request can have gone out. */
const UNREACHED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const TIMED_OUT = new Set(['ERR_CANCELED', 'ECONNABORTED', 'ETIMEDOUT']);

/** Any `/v1/embeddings` as an embedder. Answers are checked: another length or anything but finite numbers is an error. */
export class RemoteEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly remote = true;
  readonly #http: AxiosInstance;
  readonly #model: string;
  readonly #timeoutMs: number;

  constructor({ id, baseUrl, apiKey, model, dimensions, timeoutMs = 50 }: RemoteEmbedderOptions) {
    this.id = id;
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
  async embed(text: string, watch?: EmbeddingWatch): Promise<Float32Array | null> {
    await watch?.started();
    let response: AxiosResponse<unknown>;
    try {
      response = await this.#http.post<unknown>(
        '/embeddings',
        { model: this.#model, input: text, encoding_format: 'float' },
        { signal: AbortSignal.timeout(this.#timeoutMs) },
      );
    } catch (error) {
      const end = endOf(error);
      watch?.finished(end);
      throw unavailable(`embeddings: ${end.outcome} ${end.httpStatus}`);
    }
    const vector = vectorIn(response.data);
    const length = vector === null ? Number.NaN : Math.hypot(...vector);
    const good = vector !== null && vector.length === this.dimensions && Number.isFinite(length);
    watch?.finished({ ...answered(response), outcome: good ? 'ok' : 'bad_answer' });
    if (!good) throw unavailable('embeddings: not a vector of the length that is configured');
    return length === 0 ? null : Float32Array.from(vector, (x) => x / length);
  }
}

function endOf(error: unknown): EmbeddingEnd {
  const response = isAxiosError(error) ? error.response : undefined;
  if (response !== undefined) return { ...answered(response), outcome: 'refused' };
  const code = isAxiosError(error) ? (error.code ?? '') : '';
  const outcome = UNREACHED.has(code) ? 'unreached' : TIMED_OUT.has(code) ? 'timeout' : 'broken';
  return { outcome, httpStatus: 0, headers: {}, usage: null };
}

function answered({ status, headers, data }: AxiosResponse<unknown>): Omit<EmbeddingEnd, 'outcome'> {
  const texts = Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const usage = (data as { usage?: unknown } | null)?.usage ?? null;
  return { httpStatus: status, headers: Object.fromEntries(texts), usage };
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
