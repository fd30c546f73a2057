import fs from 'node:fs';

/** The operations on files that can fail under a writer; passed in so that tests can make them fail. */
export interface SegmentDevice {
  open(path: string, flags: string): number;
  close(descriptor: number): void;
  /** May write less than asked. */
  write(descriptor: number, buffer: Buffer, at: number, length: number, position: number): number;
  truncate(descriptor: number, bytes: number): void;
  rename(from: string, to: string): void;
  /** Runs on the thread pool. */
  datasync(descriptor: number, done: (error: Error | null) => void): void;
  /** Syncs a directory, so that names of new files survive. */
  syncDirectory(descriptor: number, done: (error: Error | null) => void): void;
}

export const nodeDevice: SegmentDevice = {
  open: (path, flags) => fs.openSync(path, flags, 0o600),
  close: (descriptor) => fs.closeSync(descriptor),
  write: (descriptor, buffer, at, length, position) => fs.writeSync(descriptor, buffer, at, length, position),
  truncate: (descriptor, bytes) => fs.ftruncateSync(descriptor, bytes),
  rename: (from, to) => fs.renameSync(from, to),
  datasync: (descriptor, done) => fs.fdatasync(descriptor, done),
  syncDirectory: (descriptor, done) => fs.fsync(descriptor, done),
};

/** Writes all of it: a short write is followed by another until the rest is written or an error says why not. */
export function writeFully(
  device: SegmentDevice,
  descriptor: number,
  buffer: Buffer,
  at: number,
  length: number,
  position: number,
): void {
  let done = 0;
  while (done < length) {
    const count = device.write(descriptor, buffer, at + done, length - done, position + done);
    if (count <= 0) throw new Error('the file took no bytes');
    done += count;
  }
}
