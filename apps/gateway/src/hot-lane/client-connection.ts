import type { ServerResponse } from 'node:http';
import type { RouterError } from '#events/domain/router-error.js';
import { toErrorFrame, toOpenAiError } from '#openai-wire/domain/openai-error.js';
import type { UnreadAnswers } from './unread-answers.js';

/** Flat list of names and values, as `writeHead` takes it without a copy. */
export type RawHeaders = string[];

const DATA = 'data: ';
const EVENT_END = '\n\n';

/** One client's side of one request: writes whole answers, streams, and the one truth about how they ended. */
export class ClientConnection {
  readonly #abort = new AbortController();
  #streaming = false;
  /** `x-ratelimit-*` of the caller's key. */
  rateLimits: Readonly<Record<string, string>> = {};
  #corked = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly requestId: string | undefined,
    private readonly unread: UnreadAnswers,
  ) {
    response.on('close', () => {
      if (!response.writableEnded) this.#abort.abort();
    });
  }

  /** Aborted when the client has left before its answer was complete. */
  get gone(): AbortSignal {
    return this.#abort.signal;
  }

  get streamStarted(): boolean {
    return this.#streaming;
  }

  sendJson(status: number, headers: RawHeaders, body: string | Uint8Array): void {
    if (this.#unusable()) return;
    const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
    headers.push('content-type', 'application/json', 'content-length', String(bytes.byteLength));
    this.#addRequestId(headers);
    this.response.writeHead(status, headers);
    this.#end(bytes);
  }

  /** Head of a stream; flushed with the first event. */
  startStream(headers: RawHeaders): void {
    if (this.#unusable()) return;
    headers.push(
      'content-type',
      'text/event-stream; charset=utf-8',
      'cache-control',
      'no-cache, no-transform',
      'x-accel-buffering',
      'no',
    );
    this.#addRequestId(headers);
    this.#streaming = true;
    this.#cork();
    this.response.writeHead(200, headers);
  }

  /** @returns false when the client reads more slowly than we write; wait for `onDrain`. */
  writeData(data: string): boolean {
    if (this.#unusable()) return true;
    this.#cork();
    // A line break inside data is legal where the provider sent several `data:` lines; it must stay several.
    const lines = data.includes('\n') ? data.replaceAll('\n', `\n${DATA}`) : data;
    return this.response.write(DATA + lines + EVENT_END);
  }

  /** @param left called once when nothing of this answer is under way any more. */
  onClosed(left: () => void): void {
    if (this.response.closed) left();
    else this.response.once('close', left);
  }

  onDrain(resume: () => void): void {
    this.response.once('drain', resume);
  }

  endStream(): void {
    if (!this.#unusable()) this.#end('data: [DONE]\n\n');
  }

  /** Before the first byte: a JSON error. After it: one error frame and the end, without `[DONE]`. */
  fail(error: RouterError, headers: RawHeaders): void {
    if (this.#unusable()) return;
    if (this.#streaming) {
      this.#end(DATA + toErrorFrame(error) + EVENT_END);
      return;
    }
    const shown = toOpenAiError(error);
    for (const [name, value] of Object.entries(shown.headers)) {
      if (name !== 'content-type') headers.push(name, value);
    }
    this.sendJson(shown.status, headers, shown.body);
  }

  /** Ends whatever is under way with an error, as if the client had left: nothing more is read for it. */
  cut(error: RouterError): void {
    this.fail(error, []);
    this.#abort.abort();
  }

  #end(last: string | Uint8Array): void {
    this.response.end(last);
    this.unread.ended(this.response);
  }

  #unusable(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  /** Events of one turn leave in one packet. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.response.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.response.uncork();
    });
  }

  #addRequestId(headers: RawHeaders): void {
    if (this.requestId !== undefined) headers.push('x-request-id', this.requestId);
    for (const name in this.rateLimits) headers.push(name, this.rateLimits[name] as string);
  }
}
