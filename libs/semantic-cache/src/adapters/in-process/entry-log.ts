import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { RouterError } from '#events/domain/router-error.js';
import { readFrame, type Frame } from './entry-frames.js';

const NO_FILE = -1;
const CHUNK_BYTES = 4 * 1_024 * 1_024;

/** Where a frame lies. */
export interface Place {
  readonly at: number;
  readonly bytes: number;
}

/** The append-only file of an index: frames behind one another. Written synchronously, always at the end known to us. */
export class EntryLog {
  #fd: number;
  #length: number;

  private constructor(
    private readonly path: string,
    fd: number,
    length: number,
  ) {
    this.#fd = fd;
    this.#length = length;
  }

  /** Opens or makes the file, gives every whole frame to `onFrame` in order and cuts off a torn or damaged tail. */
  static async open(path: string, onFrame: (frame: Frame, at: number) => void): Promise<EntryLog> {
    const handle = await open(path, 'a+', 0o600);
    let length: number;
    try {
      length = await replay(handle, onFrame);
    } finally {
      await handle.close();
    }
    const fd = openSync(path, 'r+');
    ftruncateSync(fd, length);
    return new EntryLog(path, fd, length);
  }

  get bytes(): number {
    return this.#length;
  }

  /**
   * @returns where each frame lies.
   * @throws RouterError `store_unavailable` (retryable) when the file cannot take them; nothing is counted as written.
   */
  append(frames: readonly Buffer[]): Place[] {
    const places: Place[] = [];
    let at = this.#length;
    for (const frame of frames) {
      places.push({ at, bytes: frame.length });
      at += frame.length;
    }
    const all = frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames);
    try {
      let written = 0;
      while (written < all.length)
        written += writeSync(this.#fd, all, written, all.length - written, this.#length + written);
    } catch (error) {
      throw new RouterError({
        code: 'store_unavailable',
        publicMessage: 'The vector index cannot be written.',
        retryable: true,
        httpStatus: 503,
        cause: error,
      });
    }
    this.#length = at;
    return places;
  }

  read(at: number, bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(bytes);
    let read = 0;
    while (read < bytes) {
      const got = readSync(this.#fd, buffer, read, bytes - read, at + read);
      if (got === 0) throw new RangeError('the entry log is shorter than it was');
      read += got;
    }
    return buffer;
  }

  sync(): void {
    fsyncSync(this.#fd);
  }

  /** Puts a finished file in the place of this one. */
  replaceBy(other: EntryLog): void {
    other.sync();
    renameSync(other.path, this.path);
    closeSync(this.#fd);
    this.#fd = other.#fd;
    this.#length = other.#length;
  }

  /** A number that is no file from here on: the old one may soon belong to another file. */
  close(): void {
    closeSync(this.#fd);
    this.#fd = NO_FILE;
  }
}

async function replay(handle: FileHandle, onFrame: (frame: Frame, at: number) => void): Promise<number> {
  let buffer = Buffer.alloc(0);
  let start = 0;
  let wanted = CHUNK_BYTES;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, wanted - buffer.length));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, start + buffer.length);
    if (bytesRead === 0) return start;
    buffer = Buffer.concat([buffer, chunk.subarray(0, bytesRead)]);
    let at = 0;
    for (;;) {
      const reading = readFrame(buffer, at);
      if (!reading.ok) {
        if (reading.need === null) return start + at;
        wanted = reading.need;
        break;
      }
      onFrame(reading.frame, start + at);
      at += reading.frame.bytes;
    }
    buffer = buffer.subarray(at);
    start += at;
  }
}
