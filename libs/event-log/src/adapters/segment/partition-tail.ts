import { isSignalled, onAppended } from './append-signal.js';
import { frameEnd, frameState } from './frame.js';
import { frameHasMore, frameOffset, frameTopic } from './record-codec.js';
import type { FramePosition, SegmentStore } from './segment-store.js';

const CHUNK_BYTES = 512 * 1024;
/**
 * How often to look for what another process has written: soon after something was found, less when it is quiet. A look
 * costs two system calls, which under load is less than a watch that fires at every write.
 */
const POLL_INTERVAL_MS_MIN = 10;
const POLL_INTERVAL_MS_MAX = 50;
/** The writer of this process signals; looking is only there in case it was opened after the reader's last look. */
const SIGNALLED_POLL_INTERVAL_MS = 250;
/** What the writer of this process signals is collected for this long. */
const SIGNAL_DELAY_MS = 1;

interface Waiting {
  readonly topic: string;
  readonly offset: number;
  readonly wake: () => void;
}

/** Follows the end of the newest segment: knows the head of every topic and how far the frames are whole and checked. */
export class PartitionTail {
  /** Everything before this is whole, checked, and the end of a complete append. */
  end: FramePosition | null = null;
  readonly #store: SegmentStore;
  readonly #heads = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  readonly #stopListening: () => void;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #following: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #signalled = false;
  #closed = false;
  #pollMs = POLL_INTERVAL_MS_MIN;

  constructor(store: SegmentStore) {
    this.#store = store;
    this.#stopListening = onAppended(store.directory, (topics) => this.#lookSoon(topics));
  }

  /** Next offset that the writer will give to a record of the topic. */
  head(topic: string): number {
    return this.#heads.get(topic) ?? 0;
  }

  /** Reads what has been appended. */
  follow(): Promise<void> {
    this.#following ??= this.#follow().finally(() => {
      this.#following = null;
    });
    return this.#following;
  }

  /** Resolves when the topic has a record at or after the offset, after `ms`, or when the signal aborts. */
  waitFor(topic: string, offset: number, ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.#waiting.delete(waiting);
        resolve();
      };
      const waiting = { topic, offset, wake };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.add(waiting);
      this.#lookLater();
    });
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { wake } of this.#waiting) wake();
  }

  #lookSoon(topics: ReadonlySet<string> | null): void {
    if (this.#signalled || this.#waiting.size === 0) return;
    let awaited = topics === null;
    for (const { topic } of this.#waiting) awaited ||= topics?.has(topic) === true;
    if (!awaited) return;
    this.#signalled = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#look, SIGNAL_DELAY_MS);
  }

  #lookLater(): void {
    if (this.#waiting.size === 0 || this.#closed) return;
    const ms = isSignalled(this.#store.directory) ? SIGNALLED_POLL_INTERVAL_MS : this.#pollMs;
    this.#timer ??= setTimeout(this.#look, ms);
  }

  readonly #look = async (): Promise<void> => {
    this.#timer = null;
    this.#signalled = false;
    const before = this.end;
    let failed = false;
    await this.follow().catch(() => {
      failed = true;
    });
    // A failed look wakes everybody: the read that follows meets the error and reports it.
    for (const { topic, offset, wake } of this.#waiting) if (failed || this.head(topic) > offset) wake();
    const found = this.end !== before;
    this.#pollMs = found ? POLL_INTERVAL_MS_MIN : Math.min(2 * this.#pollMs, POLL_INTERVAL_MS_MAX);
    this.#lookLater();
  };

  async #follow(): Promise<void> {
    while (this.#step()) await new Promise(setImmediate);
  }

  /** Reads one chunk; false when there is no more for now. */
  #step(): boolean {
    if (this.#closed) return false;
    if (this.end === null) return this.#begin(this.#store.list().at(-1));
    const { sequence, position } = this.end;
    const count = this.#store.read(sequence, this.#chunk, position);
    const advanced = this.#take(count);
    if (advanced > 0) {
      this.end = { sequence, position: position + advanced };
      return count === this.#chunk.length || this.#step();
    }
    if (count === this.#chunk.length && frameState(this.#chunk, 0, count) !== 'bad') {
      this.#chunk = Buffer.allocUnsafe(2 * this.#chunk.length);
      return true;
    }
    return this.#store.exists(sequence + 1) && this.#begin(sequence + 1);
  }

  #begin(sequence: number | undefined): boolean {
    if (sequence === undefined) return false;
    const { header, dataStart } = this.#store.open(sequence);
    for (const [topic, next] of header.next) this.#raise(topic, next);
    this.end = { sequence, position: dataStart };
    return true;
  }

  /** Takes the complete appends at the start of the chunk; gives their bytes. */
  #take(count: number): number {
    let complete = 0;
    let heads: [string, number][] = [];
    for (let at = 0; frameState(this.#chunk, at, count) === 'whole';) {
      heads.push([frameTopic(this.#chunk, at), frameOffset(this.#chunk, at) + 1]);
      const more = frameHasMore(this.#chunk, at);
      at = frameEnd(this.#chunk, at, count);
      if (more) continue;
      for (const [topic, next] of heads) this.#raise(topic, next);
      heads = [];
      complete = at;
    }
    return complete;
  }

  /** Never lowers: a new segment repeats what was not synced when it was made. */
  #raise(topic: string, next: number): void {
    if (next > this.head(topic)) this.#heads.set(topic, next);
  }
}
