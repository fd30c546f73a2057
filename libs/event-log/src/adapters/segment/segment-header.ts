import { FRAME_HEAD_BYTES, frameEnd, frameState, sealFrame } from './frame.js';

/** First bytes of every segment file; the digit is the version of the format. */
const MAGIC = Buffer.from('NMLOG001', 'latin1');
const EXTENSION = '.log';
const NAME = /^(\d{12})\.log$/;
/** Enough for the headers of thousands of topics. */
export const HEADER_BYTES_MAX = 1024 * 1024;

/** What a segment says about itself, so that (topic, offset) is found without reading frames. */
export interface SegmentHeader {
  /** From 1, without gaps; also the file's name. */
  readonly sequence: number;
  /** Valid bytes of the segment before it. What may stand behind them was written again into this one. */
  readonly previousBytes: number;
  /** When the segment before it was sealed, milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Next offset of every topic when the segment was made. A topic that is not named starts at 0. */
  readonly next: ReadonlyMap<string, number>;
}

export const segmentName = (sequence: number): string => `${String(sequence).padStart(12, '0')}${EXTENSION}`;

/** Sequence numbers of the segment files in a directory listing, ascending. */
export function segmentSequences(names: readonly string[]): number[] {
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const json = JSON.stringify({ ...header, next: [...header.next] });
  const start = MAGIC.length;
  const buffer = Buffer.alloc(start + FRAME_HEAD_BYTES + Buffer.byteLength(json));
  MAGIC.copy(buffer);
  buffer.write(json, start + FRAME_HEAD_BYTES);
  sealFrame(buffer, start, buffer.length);
  return buffer;
}

/** Reads the header from the first bytes of a file; `null` when they hold no whole, checked header. */
export function decodeSegmentHeader(bytes: Buffer): { header: SegmentHeader; dataStart: number } | null {
  const start = MAGIC.length;
  if (bytes.length < start || MAGIC.compare(bytes, 0, start) !== 0) return null;
  if (frameState(bytes, start, bytes.length) !== 'whole') return null;
  const dataStart = frameEnd(bytes, start, bytes.length);
  const json = JSON.parse(bytes.toString('utf8', start + FRAME_HEAD_BYTES, dataStart)) as Omit<
    SegmentHeader,
    'next'
  > & {
    next: [string, number][];
  };
  return { header: { ...json, next: new Map(json.next) }, dataStart };
}
