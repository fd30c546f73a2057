import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { create, isAxiosError, type AxiosInstance } from 'axios';
import { isPrivateAddress, publicLookup } from './public-lookup.js';

export interface OutsideAddress {
  readonly url: string;
  /** May the address be loopback or private? The operator's word. */
  readonly allowPrivate: boolean;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

const ANSWER_BYTES_MAX = 65_536;

/**
 * Posts texts to one URL. Follows no redirect, uses no proxy of the environment, and goes to a private address only
 * where the operator allows it.
 */
export class OutsideClient {
  /** For logs: path and query may hold a secret. */
  readonly host: string;
  readonly #url: string;
  readonly #client: AxiosInstance;
  readonly #refused: boolean;
  readonly #timeoutMs: number;

  constructor({ url, allowPrivate, timeoutMs = 10_000 }: OutsideAddress) {
    const { host, hostname } = new URL(url);
    const address = hostname.replace(/^\[|\]$/g, '');
    this.host = host;
    this.#url = url;
    // A literal address is connected to without a resolver.
    this.#refused = !allowPrivate && isIP(address) !== 0 && isPrivateAddress(address);
    const resolver = allowPrivate ? {} : { lookup: publicLookup };
    this.#timeoutMs = timeoutMs;
    this.#client = create({
      timeout: timeoutMs,
      maxRedirects: 0,
      proxy: false,
      maxContentLength: ANSWER_BYTES_MAX,
      responseType: 'text',
      transformResponse: (data: unknown) => data,
      httpAgent: new http.Agent(resolver),
      httpsAgent: new https.Agent(resolver),
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
  }

  /** @param taken statuses that are an answer. Rejects for others, with a reason that holds no part of the URL. */
  async post(
    text: string,
    signal: AbortSignal,
    taken: (status: number) => boolean,
  ): Promise<{ readonly status: number; readonly body: string }> {
    if (this.#refused) throw new Error('the address is private, and allow_private is not set');
    // The client's own timeout does not cover a name that is not resolved or a connection that is not made.
    const until = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]);
    // Not the client's error as it is: it holds the URL.
    const answer = await this.#client
      .post<string>(this.#url, text, { signal: until, validateStatus: taken })
      .catch(reasonOf);
    if (typeof answer === 'string') throw new Error(answer);
    return { status: answer.status, body: answer.data };
  }
}

function reasonOf(error: unknown): string {
  if (!isAxiosError(error)) return error instanceof Error ? error.message : 'unknown';
  if (error.response !== undefined) return `answered ${error.response.status}`;
  return error.code ?? 'no answer';
}
