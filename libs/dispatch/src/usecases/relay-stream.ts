import { SseParser, type SseItem } from '#openai-wire/domain/sse-parser.js';
import { isCommit, readStreamData, type StreamChunk, type StreamReading } from '#openai-wire/domain/stream-reading.js';
import { ChoiceLedger } from '../domain/choice-ledger.js';
import { deliveredChars } from '../domain/estimated-usage.js';
import type { AnswerSink } from '../ports/dispatcher.js';
import { noFacts, type AnswerFault, type AnswerListener, type AnswerReader } from './answer-reader.js';

/** Frames held back before the first content, in characters. */
const HELD_CHARS_MAX = 64 * 1024;
/** Nobody writes that much; an endless stream ends here. */
const STREAM_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Relays one SSE answer. Everything before the first content is held back, so that a failure up to there leaves no
 * trace at the client; from there on each event goes through as it came, checked but not changed.
 */
export class StreamRelay implements AnswerReader {
  readonly facts = noFacts();
  private readonly parser = new SseParser();
  private readonly choices = new ChoiceLedger();
  private held: StreamReading[] | null = [];
  private heldData: string[] = [];
  private heldChars = 0;
  private bytes = 0;
  private paused = false;
  private detached = false;
  private over = false;

  constructor(
    private readonly sink: AnswerSink,
    private readonly listener: AnswerListener,
    private readonly resumeUpstream: () => void,
  ) {}

  data(chunk: Uint8Array): boolean {
    this.bytes += chunk.byteLength;
    if (this.bytes > STREAM_BYTES_MAX) this.fail({ own: 'bad_response' });
    else this.take(this.parser.push(chunk));
    return this.over || !this.paused;
  }

  end(): void {
    this.take(this.parser.end());
    if (this.over) return;
    if (this.endsWell()) this.complete();
    else this.fail({ own: this.held === null ? 'truncated' : 'bad_response' });
  }

  /** Every choice has told why it ended: only the terminator is missing. */
  endsWell(): boolean {
    return this.held === null && this.choices.allFinished;
  }

  detach(): void {
    this.detached = true;
    this.paused = false;
  }

  private take(items: readonly SseItem[]): void {
    for (const item of items) {
      if (this.over) return;
      if (item.kind === 'data') this.event(item.data);
      else if (item.kind === 'overflow') this.fail({ own: 'bad_response' });
    }
  }

  private event(data: string): void {
    const reading = readStreamData(data);
    const { chunk } = reading;
    if (reading.usage !== null) this.facts.usage = reading.usage;
    switch (reading.kind) {
      case 'done':
        if (this.held === null) this.complete();
        else this.fail({ own: 'bad_response' });
        return;
      case 'malformed':
        this.fail({ own: 'bad_response' });
        return;
      case 'error':
        this.fail({ own: null, refusalText: data });
        return;
      default:
        this.learn(chunk!, reading);
    }
    if (this.held !== null) {
      if (!isCommit(reading)) {
        this.hold(data, reading);
        return;
      }
      this.commit(this.held);
    }
    this.give(data, reading.kind === 'usage');
    if (reading.kind !== 'lifecycle') this.listener.progressed();
  }

  private learn(chunk: StreamChunk, reading: StreamReading): void {
    const { facts } = this;
    if (facts.id === null && typeof chunk['id'] === 'string') facts.id = chunk['id'];
    if (typeof chunk['service_tier'] === 'string') facts.serviceTier = chunk['service_tier'];
    if (reading.finishReason !== null) facts.finishReason = reading.finishReason;
    this.choices.note(chunk['choices']);
    if (reading.kind === 'content') facts.deliveredChars += deliveredChars(chunk);
  }

  private hold(data: string, reading: StreamReading): void {
    this.heldChars += data.length;
    if (this.heldChars > HELD_CHARS_MAX) {
      this.fail({ own: 'bad_response' });
      return;
    }
    this.held!.push(reading);
    this.heldData.push(data);
  }

  private commit(held: readonly StreamReading[]): void {
    this.held = null;
    this.listener.committed();
    for (const [at, data] of this.heldData.entries()) this.give(data, held[at]!.kind === 'usage');
    this.heldData = [];
  }

  private give(data: string, isUsage: boolean): void {
    if (this.detached || this.sink.event(data, isUsage) || this.paused) return;
    this.paused = true;
    this.listener.stalled(true);
    this.sink.onDrain(this.drained);
  }

  private readonly drained = (): void => {
    if (!this.paused || this.over) return;
    this.paused = false;
    this.listener.stalled(false);
    this.resumeUpstream();
  };

  private complete(): void {
    this.over = true;
    this.listener.completed(null);
  }

  private fail(fault: AnswerFault): void {
    if (this.over) return;
    this.over = true;
    this.listener.broken(fault);
  }
}
