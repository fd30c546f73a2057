import { crc32 } from 'node:zlib';
import type { CachePoint } from '../../ports/vector-index.js';

/**
 * One frame of the entry log: length(4) ‖ crc32(4) ‖ payload, little-endian.
 * Payload: kind(1) ‖ meta length(4) ‖ meta JSON ‖ dimensions(4) ‖ float32 × dimensions ‖ sealed text.
 */
const HEADER_BYTES = 8;
const KIND_UPSERT = 1;
const KIND_REMOVE = 2;
/** No frame is larger; a length beyond it is damage. */
const PAYLOAD_BYTES_MAX = 64 * 1_024 * 1_024;

/** A point without its text, which stays on disk until it is asked for. */
export type EntryMeta = Omit<CachePoint, 'vector' | 'sealed'>;

export type Frame =
  | {
      readonly kind: 'upsert';
      readonly meta: EntryMeta;
      readonly vector: Float32Array | null;
      /** Within the frame. */
      readonly sealedAt: number;
      readonly bytes: number;
    }
  | { readonly kind: 'remove'; readonly id: string; readonly bytes: number };

export type FrameReading =
  { readonly ok: true; readonly frame: Frame } | { readonly ok: false; readonly need: number | null };

export function encodeUpsert(point: CachePoint): Buffer {
  const { vector, sealed, ...meta } = point;
  const metaBytes = Buffer.from(JSON.stringify(meta), 'utf8');
  const floats = vector === null ? Buffer.alloc(0) : Buffer.from(vector.buffer, vector.byteOffset, vector.length * 4);
  const counts = Buffer.alloc(9);
  counts.writeUInt8(KIND_UPSERT, 0);
  counts.writeUInt32LE(metaBytes.length, 1);
  counts.writeUInt32LE(vector?.length ?? 0, 5);
  return frameOf([counts.subarray(0, 5), metaBytes, counts.subarray(5), floats, Buffer.from(sealed, 'latin1')]);
}

export function encodeRemove(id: string): Buffer {
  return frameOf([Buffer.of(KIND_REMOVE), Buffer.from(id, 'utf8')]);
}

function frameOf(parts: readonly Buffer[]): Buffer {
  const frame = Buffer.concat([Buffer.alloc(HEADER_BYTES), ...parts]);
  frame.writeUInt32LE(frame.length - HEADER_BYTES, 0);
  frame.writeUInt32LE(crc32(frame.subarray(HEADER_BYTES)), 4);
  return frame;
}

/**
 * Reads the frame at a place of a buffer.
 * @returns not ok with `need` = bytes wanted from `at` on when the buffer ends too early, `null` when it is damaged.
 */
export function readFrame(buffer: Buffer, at: number): FrameReading {
  const left = buffer.length - at;
  if (left < HEADER_BYTES) return { ok: false, need: HEADER_BYTES };
  const length = buffer.readUInt32LE(at);
  if (length < 2 || length > PAYLOAD_BYTES_MAX) return { ok: false, need: null };
  const bytes = HEADER_BYTES + length;
  if (left < bytes) return { ok: false, need: bytes };
  const payload = buffer.subarray(at + HEADER_BYTES, at + bytes);
  if (crc32(payload) !== buffer.readUInt32LE(at + 4)) return { ok: false, need: null };
  try {
    return { ok: true, frame: decode(payload, bytes) };
  } catch {
    return { ok: false, need: null };
  }
}

function decode(payload: Buffer, bytes: number): Frame {
  if (payload[0] === KIND_REMOVE) return { kind: 'remove', id: payload.toString('utf8', 1), bytes };
  const metaEnd = 5 + payload.readUInt32LE(1);
  const meta = JSON.parse(payload.toString('utf8', 5, metaEnd)) as EntryMeta;
  const dimensions = payload.readUInt32LE(metaEnd);
  const floatsEnd = metaEnd + 4 + dimensions * 4;
  if (payload[0] !== KIND_UPSERT || floatsEnd > payload.length) throw new RangeError('frame');
  let vector: Float32Array | null = null;
  if (dimensions > 0) {
    vector = new Float32Array(dimensions);
    payload.copy(Buffer.from(vector.buffer), 0, metaEnd + 4, floatsEnd);
  }
  return { kind: 'upsert', meta, vector, sealedAt: HEADER_BYTES + floatsEnd, bytes };
}
