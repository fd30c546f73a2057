import fs from 'node:fs';
import path from 'node:path';
import {
  HEADER_BYTES_MAX,
  decodeSegmentHeader,
  type SegmentHeader,
  segmentName,
  segmentSequences,
} from './segment-header.js';

const DESCRIPTORS_MAX = 8;

export interface OpenedSegment {
  readonly header: SegmentHeader;
  readonly dataStart: number;
}

/** Where a frame stands. */
export interface FramePosition {
  readonly sequence: number;
  readonly position: number;
}

/** The segment files of one partition, for reading. Every call is synchronous, so no descriptor is closed under a read. */
export class SegmentStore {
  readonly directory: string;
  readonly #headers = new Map<number, OpenedSegment>();
  readonly #descriptors = new Map<number, number>();
  #sequences: readonly number[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Sequence numbers of the segments, ascending, as of the last `list`. */
  get sequences(): readonly number[] {
    return this.#sequences;
  }

  list(): readonly number[] {
    try {
      this.#sequences = segmentSequences(fs.readdirSync(this.directory));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#sequences = [];
    }
    this.#forgetDeleted();
    return this.#sequences;
  }

  exists(sequence: number): boolean {
    if (!fs.existsSync(path.join(this.directory, segmentName(sequence)))) return false;
    if (this.#sequences.at(-1) !== sequence) this.list();
    return true;
  }

  /** @throws ENOENT when retention has deleted it meanwhile. */
  open(sequence: number): OpenedSegment {
    const known = this.#headers.get(sequence);
    if (known !== undefined) return known;
    const head = Buffer.allocUnsafe(4096);
    let opened = decodeSegmentHeader(head.subarray(0, this.read(sequence, head, 0)));
    if (opened === null) {
      const larger = Buffer.allocUnsafe(HEADER_BYTES_MAX);
      opened = decodeSegmentHeader(larger.subarray(0, this.read(sequence, larger, 0)));
    }
    if (opened === null) throw new Error(`segment ${segmentName(sequence)} has no valid header`);
    this.#headers.set(sequence, opened);
    return opened;
  }

  /** Reads from a position; gives the number of bytes, 0 at the end. */
  read(sequence: number, buffer: Buffer, position: number, length = buffer.length): number {
    return fs.readSync(this.#descriptor(sequence), buffer, 0, length, position);
  }

  /** First offset of a topic in the oldest segment that is kept. */
  first(topic: string): number {
    const oldest = this.#sequences[0];
    return oldest === undefined ? 0 : (this.open(oldest).header.next.get(topic) ?? 0);
  }

  /** The segment that a record is in, or would be: the last one that begins at or before its offset. */
  locate(topic: string, offset: number): FramePosition | null {
    let low = 0;
    let high = this.#sequences.length - 1;
    if (high < 0) return null;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const { header } = this.open(this.#sequences[middle] as number);
      if ((header.next.get(topic) ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const sequence = this.#sequences[low] as number;
    return { sequence, position: this.open(sequence).dataStart };
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) fs.closeSync(descriptor);
    this.#descriptors.clear();
  }

  /** A file that retention has deleted keeps its place on the disk as long as it is open. */
  #forgetDeleted(): void {
    const oldest = this.#sequences[0] ?? Infinity;
    for (const sequence of this.#headers.keys()) if (sequence < oldest) this.#headers.delete(sequence);
    for (const [sequence, descriptor] of this.#descriptors) {
      if (sequence >= oldest) continue;
      fs.closeSync(descriptor);
      this.#descriptors.delete(sequence);
    }
  }

  #descriptor(sequence: number): number {
    const known = this.#descriptors.get(sequence);
    if (known !== undefined) return known;
    const descriptor = fs.openSync(path.join(this.directory, segmentName(sequence)), 'r');
    for (const [oldest, unused] of this.#descriptors) {
      if (this.#descriptors.size < DESCRIPTORS_MAX) break;
      fs.closeSync(unused);
      this.#descriptors.delete(oldest);
    }
    this.#descriptors.set(sequence, descriptor);
    return descriptor;
  }
}
