import type { StoredRecord } from '#events/domain/event-record.js';
import type { ReadLimits, RecordBatch, TopicPosition } from '../../ports/event-log.js';
import { frameEnd, frameState } from './frame.js';
import { PartitionTail } from './partition-tail.js';
import { type BadFrame, DamagedSegmentError, quarantine } from './quarantine.js';
import { frameOffset, frameTopic, readFrame } from './record-codec.js';
import { type FramePosition, SegmentStore } from './segment-store.js';

const CHUNK_BYTES = 512 * 1024;
const CURSORS_MAX = 512;

/** Reads one partition directory. */
export class PartitionReader {
  readonly #partition: number;
  readonly #store: SegmentStore;
  readonly #tail: PartitionTail;
  readonly #onBadFrame: ((bad: BadFrame) => void) | undefined;
  /** Where the record of (topic, offset) is, or anything before it that belongs to no wanted record. */
  readonly #cursors = new Map<string, FramePosition>();
  /** Damage that was reported: position → bytes to pass over. */
  readonly #damaged = new Map<string, number>();
  #closed = false;

  constructor(directory: string, partition: number, onBadFrame: ((bad: BadFrame) => void) | undefined) {
    this.#partition = partition;
    this.#store = new SegmentStore(directory);
    this.#tail = new PartitionTail(this.#store);
    this.#onBadFrame = onBadFrame;
  }

  async bounds(topic: string): Promise<{ readonly first: bigint; readonly head: bigint }> {
    await this.#tail.follow();
    this.#store.list();
    return { first: BigInt(this.#store.first(topic)), head: BigInt(this.#tail.head(topic)) };
  }

  async read(from: TopicPosition, limits: ReadLimits, signal?: AbortSignal): Promise<RecordBatch> {
    const { topic } = from;
    const until = performance.now() + limits.waitMs;
    for (;;) {
      await this.#tail.follow();
      const records = this.#closed ? [] : await this.#takeAgainIfDeleted(topic, Number(from.offset), limits);
      const last = records.at(-1);
      const waitMs = Math.ceil(until - performance.now());
      if (last !== undefined || waitMs <= 0 || signal?.aborted === true || this.#closed) {
        const nextOffset = last === undefined ? from.offset : last.offset + 1n;
        const headOffset = BigInt(this.#tail.head(topic));
        return { topic, partition: this.#partition, records, nextOffset, headOffset };
      }
      await this.#tail.waitFor(topic, Number(from.offset), waitMs, signal);
    }
  }

  close(): void {
    this.#closed = true;
    this.#tail.close();
    this.#store.close();
  }

  async #takeAgainIfDeleted(topic: string, offset: number, limits: ReadLimits): Promise<StoredRecord[]> {
    try {
      return await this.#take(topic, offset, limits);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Retention has deleted the segment: begin at the oldest that is left.
      this.#store.list();
      this.#cursors.delete(`${topic}:${offset}`);
      return this.#take(topic, offset, limits);
    }
  }

  async #take(topic: string, asked: number, limits: ReadLimits): Promise<StoredRecord[]> {
    const { recordsMax, bytesMax } = limits;
    const { end } = this.#tail;
    if (end === null) return [];
    const offset = Math.max(asked, this.#store.first(topic));
    if (offset >= this.#tail.head(topic)) {
      this.#remember(topic, asked, end);
      return [];
    }
    const records: StoredRecord[] = [];
    let bytes = 0;
    let at = this.#cursors.get(`${topic}:${offset}`) ?? this.#store.locate(topic, offset);
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    while (at !== null) {
      const segmentEnd = at.sequence >= end.sequence ? end.position : this.#sealedEnd(at.sequence);
      if (at.position >= segmentEnd) {
        if (at.sequence >= end.sequence) break;
        at = this.#nextWith(topic, offset + records.length, at.sequence);
        continue;
      }
      const wanted = Math.min(chunk.length, segmentEnd - at.position);
      const count = this.#store.read(at.sequence, chunk, at.position, wanted);
      // The tail has checked the newest segment already: what is not wanted there is only stepped over.
      const trusted = at.sequence === end.sequence;
      let start = 0;
      let full = false;
      let damaged = count < wanted;
      for (let next = frameEnd(chunk, 0, count); next > 0 && next <= count; next = frameEnd(chunk, start, count)) {
        const isWanted = next > start + 18 && frameTopic(chunk, start) === topic;
        if ((!trusted || isWanted) && frameState(chunk, start, count) !== 'whole') {
          damaged = true;
          break;
        }
        if (isWanted && frameOffset(chunk, start) >= offset + records.length) {
          const record = readFrame(chunk, start, next, this.#partition);
          bytes += record.value.length;
          full = records.length > 0 && bytes > bytesMax;
          if (!full) {
            records.push(record);
            full = records.length >= recordsMax;
            start = next;
          }
          if (full) break;
        } else start = next;
      }
      at = { sequence: at.sequence, position: at.position + start };
      if (full) break;
      if (start > 0 && !damaged) {
        await new Promise(setImmediate);
        continue;
      }
      // Nothing whole at the start of the chunk: a frame larger than the chunk, or damage.
      const needed = damaged ? Infinity : frameEnd(chunk, 0, count);
      if (needed <= segmentEnd - at.position && needed > chunk.length) {
        chunk = Buffer.allocUnsafe(needed);
        continue;
      }
      if (records.length > 0) break;
      if (trusted && this.#store.exists(at.sequence + 1)) {
        // Not damage: since the tail was looked at, the writer has gone on in a new segment and cut this one back to
        // what was synced. What is missing here stands at the start of that one.
        await this.#tail.follow();
        if (this.#tail.end?.sequence !== end.sequence) return this.#take(topic, asked, limits);
      }
      at = this.#passDamage(at, segmentEnd);
    }
    const last = records.at(-1);
    if (at !== null) this.#remember(topic, last === undefined ? asked : Number(last.offset) + 1, at);
    return records;
  }

  /**
   * The start of a segment behind `sequence`. Headers say which offsets a segment holds, so those without a record that
   * is wanted are left out: a topic with few records costs the segments that hold them, not the whole log.
   */
  #nextWith(topic: string, wanted: number, sequence: number): FramePosition {
    const found = this.#store.locate(topic, wanted);
    if (found !== null && found.sequence > sequence) return found;
    return { sequence: sequence + 1, position: this.#store.open(sequence + 1).dataStart };
  }

  #sealedEnd(sequence: number): number {
    return this.#store.open(sequence + 1).header.previousBytes;
  }

  /** Reports damage once and passes over it afterwards. @throws DamagedSegmentError when it is found first. */
  #passDamage(at: FramePosition, segmentEnd: number): FramePosition {
    const name = `${at.sequence}:${at.position}`;
    const known = this.#damaged.get(name);
    if (known !== undefined) return { sequence: at.sequence, position: at.position + known };
    const { badFrame, isNew } = quarantine(this.#store, at.sequence, at.position, segmentEnd);
    this.#damaged.set(name, badFrame.bytes);
    this.#onBadFrame?.(badFrame);
    if (isNew) throw new DamagedSegmentError(badFrame);
    return { sequence: at.sequence, position: at.position + badFrame.bytes };
  }

  #remember(topic: string, offset: number, at: FramePosition): void {
    const name = `${topic}:${offset}`;
    this.#cursors.delete(name);
    this.#cursors.set(name, at);
    if (this.#cursors.size > CURSORS_MAX) {
      const oldest = this.#cursors.keys().next();
      if (oldest.done !== true) this.#cursors.delete(oldest.value);
    }
  }
}
