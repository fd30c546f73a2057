import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { AFTER_KEY, headerNameDictionary, headerValueDictionary, INLINE, topicDictionary } from './dictionary.js';
import { FRAME_HEAD_BYTES, PAYLOAD_BYTES_MAX, sealFrame } from './frame.js';

/*
 * Payload: [u8 flags][u8 topic code][u32 offset low][u32 offset high] topic? key [u8 headers] (name value)* value…
 * A text is [u32 bytes][UTF-8]. A name or a value is [u8 code] and, for code 0, a text.
 */
const FIXED_BYTES = 10;
const MORE = 1;
const U32 = 2 ** 32;
const HEADERS_MAX = 255;
const EXACT_FROM_CHARACTERS = 65_536;

/**
 * Bytes that the frame of a record takes at most.
 * @throws RangeError for a record that no frame can hold: more than 255 headers or more than 128 MB.
 */
export function frameBytesMax(record: NewRecord): number {
  const { topic, key, value, headers } = record;
  let bytes = FRAME_HEAD_BYTES + FIXED_BYTES + 9 + 3 * (topic.length + key.length);
  if (typeof value !== 'string') bytes += value.length;
  else bytes += value.length > EXACT_FROM_CHARACTERS ? Buffer.byteLength(value) : 3 * value.length;
  let count = 0;
  for (const name in headers) {
    bytes += 10 + 3 * (name.length + (headers[name] as string).length);
    count += 1;
  }
  if (count > HEADERS_MAX) throw new RangeError(`a record has ${count} headers, at most ${HEADERS_MAX} can be kept`);
  if (bytes > PAYLOAD_BYTES_MAX) throw new RangeError(`a record of ${bytes} bytes is too large for the log`);
  return bytes;
}

/**
 * Writes the frame of a record and returns where it ends. The buffer has room for `frameBytesMax`.
 * @param more further records of the same append follow: none of them counts before the last one is there.
 */
export function writeFrame(buffer: Buffer, start: number, record: NewRecord, offset: number, more: boolean): number {
  const { topic, key, value, headers } = record;
  let at = start + FRAME_HEAD_BYTES;
  const topicCode = topicDictionary.code(topic);
  buffer[at] = more ? MORE : 0;
  buffer[at + 1] = topicCode;
  buffer.writeUInt32LE(offset % U32, at + 2);
  buffer.writeUInt32LE(Math.floor(offset / U32), at + 6);
  at += FIXED_BYTES;
  if (topicCode === INLINE) at = writeText(buffer, at, topic);
  at = writeText(buffer, at, key);
  const countAt = at;
  at += 1;
  let count = 0;
  for (const name in headers) {
    count += 1;
    at = writeHeader(buffer, at, name, headers[name] as string, key);
  }
  buffer[countAt] = count;
  if (typeof value === 'string') at += buffer.write(value, at);
  else {
    buffer.set(value, at);
    at += value.length;
  }
  sealFrame(buffer, start, at);
  return at;
}

function writeHeader(buffer: Buffer, start: number, name: string, value: string, key: string): number {
  let at = start;
  const nameCode = headerNameDictionary.code(name);
  buffer[at] = nameCode;
  at += 1;
  if (nameCode === INLINE) at = writeText(buffer, at, name);
  const valueCode = headerValueDictionary.code(value);
  if (valueCode !== INLINE) {
    buffer[at] = valueCode;
    return at + 1;
  }
  // A surrogate pair must not be cut in two.
  const isPairCut = (value.charCodeAt(key.length) & 0xfc00) === 0xdc00;
  const afterKey = key.length > 0 && !isPairCut && value.startsWith(key);
  buffer[at] = afterKey ? AFTER_KEY : INLINE;
  return writeText(buffer, at + 1, afterKey ? value.slice(key.length) : value);
}

function writeText(buffer: Buffer, at: number, text: string): number {
  const bytes = buffer.write(text, at + 4);
  buffer.writeUInt32LE(bytes, at);
  return at + 4 + bytes;
}

/** Do further records of the same append follow this frame? */
export const frameHasMore = (buffer: Buffer, start: number): boolean =>
  ((buffer[start + FRAME_HEAD_BYTES] as number) & MORE) !== 0;

export const frameOffset = (buffer: Buffer, start: number): number =>
  buffer.readUInt32LE(start + FRAME_HEAD_BYTES + 2) + buffer.readUInt32LE(start + FRAME_HEAD_BYTES + 6) * U32;

/** The topic of a checked frame, without a look at the rest. */
export function frameTopic(buffer: Buffer, start: number): string {
  const code = buffer[start + FRAME_HEAD_BYTES + 1] as number;
  if (code !== INLINE) return known(topicDictionary.text(code), 'topic', code);
  const at = start + FRAME_HEAD_BYTES + FIXED_BYTES;
  return buffer.toString('utf8', at + 4, at + 4 + buffer.readUInt32LE(at));
}

/** Reads a checked frame. The value is a copy, so that the buffer can be used again. */
export function readFrame(buffer: Buffer, start: number, end: number, partition: number): StoredRecord {
  const topic = frameTopic(buffer, start);
  let at = start + FRAME_HEAD_BYTES + FIXED_BYTES;
  const text = (): string => {
    const from = at + 4;
    at = from + buffer.readUInt32LE(at);
    return buffer.toString('utf8', from, at);
  };
  if (buffer[start + FRAME_HEAD_BYTES + 1] === INLINE) text();
  const key = text();
  const headers: Record<string, string> = {};
  let count = buffer[at] as number;
  at += 1;
  for (; count > 0; count -= 1) {
    const nameCode = buffer[at] as number;
    at += 1;
    const name = nameCode === INLINE ? text() : known(headerNameDictionary.text(nameCode), 'header', nameCode);
    const valueCode = buffer[at] as number;
    at += 1;
    let value: string;
    if (valueCode === INLINE) value = text();
    else if (valueCode === AFTER_KEY) value = key + text();
    else value = known(headerValueDictionary.text(valueCode), 'value', valueCode);
    if (name === '__proto__') Object.defineProperty(headers, name, { value, enumerable: true });
    else headers[name] = value;
  }
  const value = Uint8Array.prototype.slice.call(buffer, at, end);
  return { topic, partition, offset: BigInt(frameOffset(buffer, start)), key, value, headers };
}

function known(text: string | undefined, what: string, code: number): string {
  if (text === undefined) throw new Error(`${what} code ${code} is from a newer version of the log`);
  return text;
}
