import path from 'node:path';
import { pass } from '#events/ports/failpoint.js';
import { type SegmentDevice, writeFully } from './segment-device.js';
import { encodeSegmentHeader, type SegmentHeader, segmentName } from './segment-header.js';
import type { UnsyncedBytes } from './unsynced-bytes.js';

/** What probes write, and take back, to see whether the disk has room again. */
const PROBE = Buffer.alloc(64 * 1024);

/** The segment file that a writer appends to. */
export class SegmentFile {
  readonly sequence: number;
  /** Valid bytes: what was written completely. */
  bytes: number;
  readonly #device: SegmentDevice;
  readonly #descriptor: number;

  constructor(device: SegmentDevice, descriptor: number, sequence: number, bytes: number) {
    this.#device = device;
    this.#descriptor = descriptor;
    this.sequence = sequence;
    this.bytes = bytes;
  }

  /** Opens a file that exists, cut at its valid part. */
  static open(device: SegmentDevice, directory: string, sequence: number, bytes: number): SegmentFile {
    const descriptor = device.open(path.join(directory, segmentName(sequence)), 'r+');
    device.truncate(descriptor, bytes);
    return new SegmentFile(device, descriptor, sequence, bytes);
  }

  /**
   * Makes the next file with all that was written but not synced in it. It gets its name only when it is complete, so
   * that no crash can leave a segment that supersedes records which it does not hold.
   */
  static create(
    device: SegmentDevice,
    directory: string,
    header: SegmentHeader,
    unsynced: UnsyncedBytes | null,
  ): SegmentFile {
    const file = path.join(directory, segmentName(header.sequence));
    const descriptor = device.open(`${file}.new`, 'w+');
    try {
      const head = encodeSegmentHeader(header);
      writeFully(device, descriptor, head, 0, head.length, 0);
      const carried = unsynced === null ? 0 : unsynced.written - unsynced.synced;
      if (unsynced !== null) {
        writeFully(device, descriptor, unsynced.buffer, unsynced.index(unsynced.synced), carried, head.length);
      }
      pass('segment_headed');
      device.rename(`${file}.new`, file);
      pass('segment_named');
      return new SegmentFile(device, descriptor, header.sequence, head.length + carried);
    } catch (error) {
      device.close(descriptor);
      throw error;
    }
  }

  append(buffer: Buffer, at: number, length: number): void {
    writeFully(this.#device, this.#descriptor, buffer, at, length, this.bytes);
    this.bytes += length;
  }

  /** Takes the torn part of a failed write away. */
  cutBack(bytes = this.bytes): void {
    this.#device.truncate(this.#descriptor, bytes);
  }

  /** @throws as long as the disk takes no bytes. */
  probe(): void {
    this.cutBack();
    try {
      writeFully(this.#device, this.#descriptor, PROBE, 0, PROBE.length, this.bytes);
    } finally {
      this.cutBack();
    }
  }

  datasync(done: (error: Error | null) => void): void {
    this.#device.datasync(this.#descriptor, done);
  }

  close(): void {
    this.#device.close(this.#descriptor);
  }
}
