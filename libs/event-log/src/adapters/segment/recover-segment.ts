import fs from 'node:fs';
import path from 'node:path';
import { FRAME_HEAD_BYTES, frameEnd, frameState } from './frame.js';
import { frameHasMore, frameOffset, frameTopic } from './record-codec.js';
import { decodeSegmentHeader, HEADER_BYTES_MAX, segmentName, type SegmentHeader } from './segment-header.js';

const CHUNK_BYTES = 1024 * 1024;

/** What was cut off the last segment when its writer opened it: the unfinished end of a run that was killed. */
export interface TornTail {
  /** Name of the segment file within the partition directory. */
  readonly segment: string;
  /** Where the valid part ends; the bytes behind it are gone. */
  readonly position: number;
  readonly bytesCut: number;
  /** Whole records among them: the first ones of an append whose last record is missing. */
  readonly recordsCut: number;
  /** Where the cut bytes were copied to, within the partition directory; `null` when there was no room for a copy. */
  readonly savedAs: string | null;
}

export interface RecoveredSegment {
  readonly header: SegmentHeader;
  readonly bytes: number;
  readonly next: Map<string, number>;
  readonly torn: TornTail | null;
}

/** Reads and checks the header of a segment file; `null` when it has none. */
function readSegmentHeader(directory: string, sequence: number): ReturnType<typeof decodeSegmentHeader> {
  const descriptor = fs.openSync(path.join(directory, segmentName(sequence)), 'r');
  try {
    const bytes = Buffer.allocUnsafe(Math.min(HEADER_BYTES_MAX, fs.fstatSync(descriptor).size));
    const count = fs.readSync(descriptor, bytes, 0, bytes.length, 0);
    return decodeSegmentHeader(bytes.subarray(0, count));
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * Finds the longest valid prefix of the last segment: whole, checked frames of complete appends. Changes nothing.
 * `null` when the file has no valid header.
 */
export function recoverSegment(directory: string, sequence: number): RecoveredSegment | null {
  const decoded = readSegmentHeader(directory, sequence);
  if (decoded === null) return null;
  const { header, dataStart } = decoded;
  const next = new Map(header.next);
  const descriptor = fs.openSync(path.join(directory, segmentName(sequence)), 'r');
  try {
    const size = fs.fstatSync(descriptor).size;
    let pending: [string, number][] = [];
    let valid = dataStart;
    let at = dataStart;
    let bad = false;
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    while (at < size && !bad) {
      const count = fs.readSync(descriptor, chunk, 0, Math.min(chunk.length, size - at), at);
      let start = 0;
      for (;;) {
        const state = frameState(chunk, start, count);
        if (state !== 'whole') {
          bad = state === 'bad';
          break;
        }
        const topic = frameTopic(chunk, start);
        pending.push([topic, frameOffset(chunk, start) + 1]);
        const more = frameHasMore(chunk, start);
        start = frameEnd(chunk, start, count);
        if (more) continue;
        for (const [name, offset] of pending) next.set(name, offset);
        pending = [];
        valid = at + start;
      }
      if (bad || at + count >= size) break;
      at += start;
      // A frame larger than the chunk: read it whole.
      if (start === 0)
        chunk = Buffer.allocUnsafe(Math.max(chunk.length * 2, frameEnd(chunk, 0, count) + FRAME_HEAD_BYTES));
    }
    const torn = valid < size ? tornTail(sequence, valid, size, pending.length) : null;
    return { header, bytes: valid, next, torn };
  } finally {
    fs.closeSync(descriptor);
  }
}

function tornTail(sequence: number, position: number, size: number, recordsCut: number): TornTail {
  return { segment: segmentName(sequence), position, bytesCut: size - position, recordsCut, savedAs: null };
}

/**
 * Keeps a copy of what is about to be cut, under `quarantine/`: after a power cut or a flipped bit there may be whole
 * records behind the damage. A log that must start does so without the copy if there is no room.
 */
export function saveTornTail(directory: string, torn: TornTail): TornTail {
  const savedAs = path.join('quarantine', `${torn.segment}-${torn.position}-${Date.now()}.cut`);
  try {
    const descriptor = fs.openSync(path.join(directory, torn.segment), 'r');
    try {
      const bytes = Buffer.allocUnsafe(torn.bytesCut);
      const count = fs.readSync(descriptor, bytes, 0, bytes.length, torn.position);
      fs.mkdirSync(path.join(directory, 'quarantine'), { recursive: true, mode: 0o700 });
      fs.writeFileSync(path.join(directory, savedAs), bytes.subarray(0, count), { mode: 0o600 });
    } finally {
      fs.closeSync(descriptor);
    }
    return { ...torn, savedAs };
  } catch {
    return torn;
  }
}
