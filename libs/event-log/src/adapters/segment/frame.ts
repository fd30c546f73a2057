import { crc32 } from 'node:zlib';

/** A frame is `[u32 length][u32 crc32 of the payload][payload]`, little endian. */
export const FRAME_HEAD_BYTES = 8;
/** A length beyond this is taken for garbage. */
export const PAYLOAD_BYTES_MAX = 128 * 1024 * 1024;

/** Puts length and checksum before a payload that stands already behind the head. */
export function sealFrame(buffer: Buffer, start: number, end: number): void {
  const payload = start + FRAME_HEAD_BYTES;
  buffer.writeUInt32LE(end - payload, start);
  buffer.writeUInt32LE(crc32(buffer.subarray(payload, end)), start + 4);
}

export type FrameState = 'whole' | 'cut' | 'bad';

/** Where the frame at `start` ends according to its length field; -1 when not even that is there. */
export function frameEnd(buffer: Buffer, start: number, end: number): number {
  return start + FRAME_HEAD_BYTES > end ? -1 : start + FRAME_HEAD_BYTES + buffer.readUInt32LE(start);
}

/**
 * Is there a whole frame at `start`, within the bytes up to `end`? `cut`: more bytes are needed to say; `bad`: length or
 * checksum cannot be right. A length of 0 is bad, so that a run of zeros is never a frame.
 */
export function frameState(buffer: Buffer, start: number, end: number): FrameState {
  if (start + FRAME_HEAD_BYTES > end) return 'cut';
  const length = buffer.readUInt32LE(start);
  if (length === 0 || length > PAYLOAD_BYTES_MAX) return 'bad';
  const payload = start + FRAME_HEAD_BYTES;
  if (payload + length > end) return 'cut';
  return crc32(buffer.subarray(payload, payload + length)) === buffer.readUInt32LE(start + 4) ? 'whole' : 'bad';
}
