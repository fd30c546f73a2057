import { showReceiptId } from '#events/domain/ids.js';
import { pass } from '#events/ports/failpoint.js';
import type { AnswerSink, AttemptOutcome } from '#dispatch/ports/dispatcher.js';
import { hideUsage, injectReceiptId } from '#openai-wire/domain/answer-injection.js';
import type { RawHeaders } from '../hot-lane/client-connection.js';
import type { AnswerClient } from './answer-client.js';
import { RunningCommitment } from './commitment.js';
import { type LiveAnswer, tooSlow } from './live-answer.js';
import type { Served } from './served.js';

export interface SinkOptions {
  readonly receiptId: string;
  readonly salt: Uint8Array;
  readonly clientWantsUsage: boolean;
  /** Keep the chunks, so that the answer can be stored and given to others. */
  readonly keepChunks: boolean;
  /** Where equal requests read this stream along; `null` = nowhere. */
  readonly live: LiveAnswer | null;
  /** The stream has begun: others may join. */
  readonly onLive: () => void;
  readonly streamHeaders: (served: Served) => RawHeaders;
}

/** Longest answer that is kept for the cache. */
const KEEP_BYTES_MAX = 256 * 1024;
/** What may wait in the memory of this process for a slow client while others read its stream along. */
const UNREAD_CHARS_MAX = 1024 * 1024;

/**
 * Takes an answer from dispatch and shows it to the client. A JSON answer waits here until it is priced and sealed;
 * a stream goes out as it comes, all but its usage chunk, which waits for the sum over all attempts.
 */
export class CompletionSink implements AnswerSink {
  jsonBody: Uint8Array | null = null;
  usageData: string | null = null;
  #chunks: string[] | null;
  #keptBytes = 0;
  #first = true;
  #firstData: string | null = null;
  #unread = 0;
  #cutOff = false;
  readonly #commitment: RunningCommitment;

  constructor(
    private readonly client: AnswerClient,
    private readonly options: SinkOptions,
  ) {
    this.#commitment = new RunningCommitment(options.salt);
    this.#chunks = options.keepChunks ? [] : null;
  }

  /** All data of the stream, or `null` when it was not kept. */
  get chunks(): readonly string[] | null {
    return this.#chunks;
  }

  /** The client was too slow for those who read along: it has been told, and gets nothing more. */
  get cutOff(): boolean {
    return this.#cutOff;
  }

  json(body: Uint8Array, _attempt: AttemptOutcome): void {
    this.jsonBody = body;
    this.#commitment.add(body);
  }

  streamStarted(served: Served): void {
    pass('stream_started');
    this.client.startStream(this.options.streamHeaders(served));
    if (this.options.live === null) return;
    this.options.live.served = served;
    this.options.onLive();
  }

  event(data: string, isUsage: boolean): boolean {
    pass('stream_event');
    this.#keep(data);
    const { live } = this.options;
    if (live !== null) live.add(data, isUsage);
    if (isUsage) {
      if (this.options.clientWantsUsage) this.#commitment.add(data);
      this.usageData = data;
      return true;
    }
    // Some providers put usage beside content: who did not ask for it must not see it, but must see the content.
    let shown = this.options.clientWantsUsage ? data : hideUsage(data);
    // Over what the client gets, or it could never show it; before what is added here.
    this.#commitment.add(shown);
    if (this.#first) {
      this.#first = false;
      this.#firstData = data;
      shown = injectReceiptId(shown, showReceiptId(this.options.receiptId));
    }
    const taken = this.client.writeData(shown);
    return taken || live === null || live.followers === 0 ? taken : this.#goOn(shown.length);
  }

  onDrain(resume: () => void): void {
    this.client.onDrain(resume);
    // Whoever comes to read along must not wait for this client.
    if (this.options.live !== null) this.options.live.onFollowed = resume;
  }

  /** The client is slow, but others read along: what it has not read waits, up to a bound. */
  #goOn(chars: number): true {
    if (this.#unread === 0) {
      this.client.onDrain(() => {
        this.#unread = 0;
      });
    }
    this.#unread += chars;
    if (this.#unread > UNREAD_CHARS_MAX && !this.#cutOff) {
      this.#cutOff = true;
      this.client.fail(tooSlow(), []);
    }
    return true;
  }

  /** Id, model and time of the stream, for a usage chunk of our own. */
  head(): { readonly id: string; readonly model: string; readonly created: number } {
    const first = JSON.parse(this.#firstData ?? '{}') as { id?: string; model?: string; created?: number };
    return { id: first.id ?? '', model: first.model ?? '', created: first.created ?? 0 };
  }

  responseCommitment(): string {
    return this.#commitment.digest();
  }

  #keep(data: string): void {
    if (this.#chunks === null) return;
    this.#keptBytes += data.length;
    if (this.#keptBytes > KEEP_BYTES_MAX) this.#chunks = null;
    else this.#chunks.push(data);
  }
}
