import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { create, isAxiosError, type AxiosInstance } from 'axios';
import type { CheckpointReceiver } from '../../ports/checkpoint-receiver.js';
import { isPrivateAddress, publicLookup } from './public-lookup.js';

export interface CheckpointWebhookOptions {
  readonly url: string;
  /** May the address be loopback or private? The operator's word. */
  readonly allowPrivate: boolean;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

const ANSWER_BYTES_MAX = 65_536;

/**
 * Posts the signed note as `text/plain` to one URL. Follows no redirect, uses no proxy of the environment, and goes to
 * a private address only where the operator allows it. Any 2xx is a yes.
 */
export class CheckpointWebhook implements CheckpointReceiver {
  readonly name: string;
  readonly #url: string;
  readonly #client: AxiosInstance;
  readonly #refused: boolean;
  readonly #timeoutMs: number;

  constructor({ url, allowPrivate, timeoutMs = 10_000 }: CheckpointWebhookOptions) {
    const { host, hostname } = new URL(url);
    const address = hostname.replace(/^\[|\]$/g, '');
    // Path and query may hold a secret.
    this.name = host;
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
      httpAgent: new http.Agent(resolver),
      httpsAgent: new https.Agent(resolver),
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
  }

  async post(note: string, signal: AbortSignal): Promise<void> {
    if (this.#refused) throw new Error('the address is private, and allow_private is not set');
    // The client's own timeout does not cover a name that is not resolved or a connection that is not made.
    const until = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]);
    // Not the client's error as it is: it holds the URL.
    const reason = await this.#client.post(this.#url, note, { signal: until }).then(() => null, reasonOf);
    if (reason !== null) throw new Error(reason);
  }
}

function reasonOf(error: unknown): string {
  if (!isAxiosError(error)) return error instanceof Error ? error.message : 'unknown';
  if (error.response !== undefined) return `answered ${error.response.status}`;
  return error.code ?? 'no answer';
}
