import type { NewRecord } from '#events/domain/event-record.js';
import { frameEnd } from './frame.js';
import { frameBytesMax, frameOffset, frameTopic, writeFrame } from './record-codec.js';

const BYTES_AT_START = 4 * 1024 * 1024;

/**
 * The frames that are not known to be on the device, in one buffer that is used over and over:
 * `synced … written` are in the file, `written … used` wait for the next write. Positions count bytes since the writer
 * was opened. Owns the next offset of each topic.
 */
export class UnsyncedBytes {
  synced = 0;
  written = 0;
  used = 0;
  readonly next: Map<string, number>;
  #buffer = Buffer.allocUnsafeSlow(BYTES_AT_START);
  /** Position of the buffer's first byte. */
  #base = 0;

  constructor(next: Map<string, number>) {
    this.next = next;
  }

  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Index within `buffer` of a position. */
  index(position: number): number {
    return position - this.#base;
  }

  /**
   * Encodes the records of one append behind what is there.
   * @throws RangeError for a record that no frame can hold; nothing has changed then.
   */
  add(records: readonly NewRecord[]): void {
    let bytes = 0;
    for (const record of records) bytes += frameBytesMax(record);
    this.#reserve(bytes);
    let at = this.used - this.#base;
    const last = records.length - 1;
    for (let n = 0; n <= last; n += 1) {
      const record = records[n] as NewRecord;
      const offset = this.next.get(record.topic) ?? 0;
      at = writeFrame(this.#buffer, at, record, offset, n < last);
      this.next.set(record.topic, offset + 1);
    }
    this.used = at + this.#base;
  }

  /** Forgets what was not written and gives its offsets back. */
  dropUnwritten(): void {
    for (const [topic, offset] of this.#nextAt(this.written)) this.next.set(topic, offset);
    this.used = this.written;
  }

  /** Next offset of every topic as it was where the synced bytes end. */
  nextAtSynced(): ReadonlyMap<string, number> {
    return this.#nextAt(this.synced);
  }

  markSynced(position: number): void {
    this.synced = position;
    if (this.synced === this.used) this.#base = this.used;
  }

  #nextAt(position: number): Map<string, number> {
    const next = new Map(this.next);
    const seen = new Set<string>();
    const end = this.index(this.used);
    for (let at = this.index(position); at < end; at = frameEnd(this.#buffer, at, end)) {
      const topic = frameTopic(this.#buffer, at);
      if (seen.has(topic)) continue;
      seen.add(topic);
      next.set(topic, frameOffset(this.#buffer, at));
    }
    return next;
  }

  #reserve(bytes: number): void {
    const used = this.used - this.#base;
    if (used + bytes <= this.#buffer.length) return;
    const kept = this.synced - this.#base;
    const live = used - kept;
    if (live + bytes <= this.#buffer.length / 2) this.#buffer.copyWithin(0, kept, used);
    else {
      const larger = Buffer.allocUnsafeSlow(
        Math.max(this.#buffer.length, 2 ** Math.ceil(Math.log2(2 * (live + bytes)))),
      );
      this.#buffer.copy(larger, 0, kept, used);
      this.#buffer = larger;
    }
    this.#base = this.synced;
  }
}
