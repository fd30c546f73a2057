/** What one push can bring. `overflow` is the last item a parser ever gives. */
export type SseItem =
  /** One event: its `data` lines joined by LF, and its `event` name, empty when it had none. */
  | { readonly kind: 'data'; readonly data: string; readonly event: string }
  /** A keep-alive line that began with a colon. */
  | { readonly kind: 'comment'; readonly text: string }
  /** An event or a line grew beyond the limit: the stream cannot be trusted any more. */
  | { readonly kind: 'overflow' };

/** Largest event that is taken by default: 8 MiB. */
const SSE_EVENT_BYTES_MAX = 8 * 1024 * 1024;

const LF = 10;
const CR = 13;
const NOTHING: readonly SseItem[] = [];
// A byte order mark is ours to drop: the decoder would drop it from the middle of a stream as well.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Incremental parser of `text/event-stream` after the WHATWG HTML standard, with one addition: `end` gives the last
 * event even when its blank line is missing, because providers forget it.
 *
 * Bytes are decoded only up to a line end, so a cut inside a character needs no decoder state. A chunk that ends with
 * LF and has no CR, which is nearly every chunk, is decoded once and never copied.
 */
export class SseParser {
  /** Pieces of a line whose end has not come. */
  private carry: Uint8Array[] = [];
  private carryBytes = 0;
  private data: string | null = null;
  private event = '';
  private skipLf = false;
  private started = false;
  private over = false;
  private readonly bytesMax: number;

  /**
   * @param bytesMax limit of one line in bytes while it is incomplete, and of one event's data in characters. Beyond it
   *   an `overflow` is given once and everything later is dropped.
   */
  constructor(bytesMax: number = SSE_EVENT_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  /** Takes the next bytes, cut anywhere. The chunk may be reused by the caller afterwards. */
  push(chunk: Uint8Array): readonly SseItem[] {
    if (this.over || chunk.length === 0) return NOTHING;
    let bytes = chunk;
    if (this.skipLf) {
      this.skipLf = false;
      if (bytes[0] === LF) bytes = bytes.subarray(1);
      if (bytes.length === 0) return NOTHING;
    }
    if (bytes[bytes.length - 1] === LF && this.carryBytes === 0) return this.lines(decoder.decode(bytes));
    const end = Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1;
    if (end === 0) return this.keep(bytes);
    const items = this.lines(this.takeCarry(bytes.subarray(0, end)));
    if (end === bytes.length || this.over) return items;
    // More bytes of this chunk follow a last CR, and the first of them is no LF.
    this.skipLf = false;
    const overflow = this.keep(bytes.subarray(end));
    return overflow.length === 0 ? items : [...items, ...overflow];
  }

  /** The bytes have ended: gives what was still waiting for a line end or a blank line. */
  end(): readonly SseItem[] {
    if (this.over) return NOTHING;
    const rest = this.carryBytes === 0 ? '' : this.takeCarry(new Uint8Array(0));
    const items = this.lines(`${rest}\n\n`);
    this.over = true;
    return items;
  }

  private keep(bytes: Uint8Array): readonly SseItem[] {
    this.carryBytes += bytes.length;
    if (this.carryBytes > this.bytesMax) return [this.overflow()];
    this.carry.push(bytes.slice());
    return NOTHING;
  }

  private takeCarry(tail: Uint8Array): string {
    if (this.carryBytes === 0) return decoder.decode(tail);
    const whole = new Uint8Array(this.carryBytes + tail.length);
    let at = 0;
    for (const piece of this.carry) {
      whole.set(piece, at);
      at += piece.length;
    }
    whole.set(tail, at);
    this.carry = [];
    this.carryBytes = 0;
    return decoder.decode(whole);
  }

  /** Text that ends with a line end. */
  private lines(input: string): readonly SseItem[] {
    let text = input;
    if (!this.started) {
      this.started = true;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    if (text.includes('\r')) {
      // The LF of a CRLF may be the first byte of the next chunk.
      if (text.charCodeAt(text.length - 1) === CR) this.skipLf = true;
      text = text.replace(/\r\n?/g, '\n');
    }
    let items: SseItem[] | null = null;
    let at = 0;
    while (at < text.length) {
      const end = text.indexOf('\n', at);
      const item = end === at ? this.dispatch() : this.line(text, at, end);
      at = end + 1;
      if (item === null) continue;
      if (items === null) items = [item];
      else items.push(item);
      if (this.over) break;
    }
    return items ?? NOTHING;
  }

  private dispatch(): SseItem | null {
    const { data, event } = this;
    this.data = null;
    this.event = '';
    return data === null ? null : { kind: 'data', data, event };
  }

  private line(text: string, at: number, end: number): SseItem | null {
    if (text.startsWith('data:', at)) {
      const value = text.slice(at + (text.charCodeAt(at + 5) === 32 ? 6 : 5), end);
      this.data = this.data === null ? value : `${this.data}\n${value}`;
      return this.data.length > this.bytesMax ? this.overflow() : null;
    }
    if (text.charCodeAt(at) === 58) return { kind: 'comment', text: text.slice(at + 1, end).trim() };
    if (text.startsWith('event:', at)) this.event = text.slice(at + 6, end).trim();
    // A field name alone is a field with an empty value.
    else if (end - at === 4 && text.startsWith('data', at)) {
      this.data = this.data === null ? '' : `${this.data}\n`;
    }
    return null;
  }

  private overflow(): SseItem {
    this.over = true;
    this.carry = [];
    this.carryBytes = 0;
    this.data = null;
    return { kind: 'overflow' };
  }
}
