import type { RouterError } from '#events/domain/router-error.js';
import type { AnswerClient } from '../completions/answer-client.js';
import type { RawHeaders } from '../hot-lane/client-connection.js';
import type { HeldName } from './idempotency-desk.js';

/** Longer answers are not kept: the same request is then tried anew. */
const KEEP_CHARS_MAX = 1024 * 1024;

/**
 * The client of a request with an `Idempotency-Key`: takes down what it is sent. A whole answer is kept before its last
 * byte goes out, so that whoever asks after that finds it; anything else frees the name before the client is told.
 */
export class RecordingClient implements AnswerClient {
  #events: string[] | null = [];
  #chars = 0;
  #headers: RawHeaders = [];
  #ended: Promise<void> | null = null;

  constructor(
    private readonly inner: AnswerClient,
    private readonly held: HeldName,
    private readonly receiptId: string,
    private readonly nowMs: () => number,
  ) {}

  get gone(): AbortSignal {
    return this.inner.gone;
  }

  get streamStarted(): boolean {
    return this.inner.streamStarted;
  }

  startStream(headers: RawHeaders): void {
    this.#headers = headers;
    this.inner.startStream(headers);
  }

  writeData(data: string): boolean {
    this.#chars += data.length;
    if (this.#chars > KEEP_CHARS_MAX) this.#events = null;
    else this.#events?.push(data);
    return this.inner.writeData(data);
  }

  onDrain(resume: () => void): void {
    this.inner.onDrain(resume);
  }

  sendJson(status: number, headers: RawHeaders, body: string | Uint8Array): void {
    this.#headers = headers;
    const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
    const kept = status === 200 && text.length <= KEEP_CHARS_MAX ? this.#keep(text) : this.held.release();
    this.#end(kept, () => this.inner.sendJson(status, headers, body));
  }

  endStream(): void {
    const kept = this.#events === null ? this.held.release() : this.#keep(this.#events);
    this.#end(kept, () => this.inner.endStream());
  }

  fail(error: RouterError, headers: RawHeaders): void {
    this.#end(this.held.release(), () => this.inner.fail(error, headers));
  }

  /** Resolves when the client has been told the end; frees the name when nobody was left to be told. */
  settle(): Promise<void> {
    return (this.#ended ??= this.held.release());
  }

  #keep(body: string | readonly string[]): Promise<void> {
    return this.held.keep({
      receiptId: this.receiptId,
      provider: headerOf(this.#headers, 'x-nextmodel-provider'),
      model: headerOf(this.#headers, 'x-nextmodel-model'),
      madeMs: this.nowMs(),
      body,
    });
  }

  /** The first end counts. */
  #end(kept: Promise<void>, tell: () => void): void {
    this.#ended ??= kept.then(tell);
  }
}

function headerOf(headers: RawHeaders, name: string): string | null {
  const at = headers.indexOf(name);
  return at < 0 ? null : (headers[at + 1] ?? null);
}
