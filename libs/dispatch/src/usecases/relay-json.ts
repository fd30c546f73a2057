import { readCompletion, readEmbeddings } from '#openai-wire/domain/read-completion.js';
import { deliveredChars } from '../domain/estimated-usage.js';
import type { DispatchRequest } from '../ports/dispatcher.js';
import { noFacts, type AnswerListener, type AnswerReader } from './answer-reader.js';

/** Largest JSON answer that is taken: 32 MiB. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** Collects a JSON answer, checks that it is one, and hands on the bytes as they came. */
export class JsonRelay implements AnswerReader {
  readonly facts = noFacts();
  private readonly parts: Uint8Array[] = [];
  private bytes = 0;

  constructor(
    private readonly api: DispatchRequest['api'],
    private readonly listener: AnswerListener,
  ) {}

  data(chunk: Uint8Array): boolean {
    this.bytes += chunk.byteLength;
    if (this.bytes > BODY_BYTES_MAX) this.listener.broken({ own: 'bad_response' });
    else {
      this.parts.push(chunk);
      this.listener.progressed();
    }
    return true;
  }

  end(): void {
    const body = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts, this.bytes);
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
    const reading = this.api === 'embeddings' ? readEmbeddings(text) : readCompletion(text);
    if (!reading.ok) {
      const refused = reading.reason === 'error';
      this.listener.broken(refused ? { own: null, refusalText: text } : { own: 'bad_response' });
      return;
    }
    const { facts } = this;
    facts.id = reading.id;
    facts.serviceTier = reading.serviceTier;
    facts.finishReason = reading.finishReason;
    facts.usage = reading.usage;
    if (reading.usage === null) facts.deliveredChars = deliveredChars(reading.body);
    this.listener.completed(body);
  }

  endsWell(): boolean {
    return false;
  }

  detach(): void {
    // Nothing goes out before the end anyway.
  }
}
