import fs from 'node:fs';
import path from 'node:path';
import type { EventLogWriter } from '../../ports/event-log.js';
import { startSignalling } from './append-signal.js';
import { recoverSegment, type RecoveredSegment, saveTornTail, type TornTail } from './recover-segment.js';
import { nodeDevice, type SegmentDevice } from './segment-device.js';
import { SegmentFile } from './segment-file.js';
import { segmentName, segmentSequences } from './segment-header.js';
import { SegmentWriter } from './segment-writer.js';
import { UnsyncedBytes } from './unsynced-bytes.js';
import { waitForPartition } from './writer-lock.js';

const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
const LOCK_WAIT_MS = 5_000;

export interface SegmentWriterOptions {
  /** The log's directory; the partition is a directory within it. Made when missing. */
  readonly directory: string;
  readonly partition: number;
  /** `strict`: synced at once, in groups; `fast`: synced at most every 50 ms. */
  readonly durability: 'strict' | 'fast';
  /** A segment is sealed when it has this many bytes; default 64 MB. */
  readonly segmentBytesMax?: number | undefined;
  /** Told at open what a killed run has left unfinished. */
  readonly onTornTail?: ((torn: TornTail) => void) | undefined;
  /** Told after each group commit: records that became durable, and how long the device took. For metrics. */
  readonly onSynced?: ((records: number, tookMs: number) => void) | undefined;
  /** How long a dying predecessor is waited for; default 5,000. */
  readonly lockWaitMs?: number | undefined;
  /** File operations; for tests. */
  readonly device?: SegmentDevice | undefined;
}

/**
 * Opens a partition for appending: takes the writer lock, checks the last segment and cuts its torn tail.
 * @throws RouterError `data_directory_owned` when another process writes to this partition.
 */
export async function openSegmentWriter(options: SegmentWriterOptions): Promise<EventLogWriter> {
  const { durability, segmentBytesMax = SEGMENT_BYTES_MAX, onTornTail, device = nodeDevice } = options;
  const directory = path.resolve(options.directory, String(options.partition));
  makeDirectory(directory);
  const unlock = await waitForPartition(directory, options.lockWaitMs ?? LOCK_WAIT_MS);
  try {
    const last = recoverLast(directory, onTornTail);
    const next = last?.next ?? new Map<string, number>();
    let file: SegmentFile;
    if (last === null) {
      const header = { sequence: 1, previousBytes: 0, createdAtMs: Date.now(), next };
      file = SegmentFile.create(device, directory, header, null);
    } else file = SegmentFile.open(device, directory, last.header.sequence, last.bytes);
    const directoryDescriptor = device.open(directory, 'r');
    const unsynced = new UnsyncedBytes(next);
    const stopSignalling = startSignalling(directory);
    return new SegmentWriter({
      device,
      directory,
      directoryDescriptor,
      durability,
      segmentBytesMax,
      unsynced,
      file,
      onSynced: options.onSynced,
      release: () => {
        stopSignalling();
        unlock();
      },
    });
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Makes a directory whose name survives a power cut: every directory that got a new entry is synced. */
function makeDirectory(directory: string): void {
  const first = fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let parent = path.dirname(directory); parent.length >= path.dirname(first).length;) {
    const descriptor = fs.openSync(parent, 'r');
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    if (parent === path.dirname(parent)) return;
    parent = path.dirname(parent);
  }
}

function recoverLast(directory: string, onTornTail: SegmentWriterOptions['onTornTail']): RecoveredSegment | null {
  const names = fs.readdirSync(directory);
  for (const name of names) if (name.endsWith('.new')) fs.rmSync(path.join(directory, name));
  const sequences = segmentSequences(names);
  for (let sequence = sequences.pop(); sequence !== undefined; sequence = sequences.pop()) {
    const recovered = recoverSegment(directory, sequence);
    if (recovered !== null) {
      if (recovered.torn !== null) onTornTail?.(saveTornTail(directory, recovered.torn));
      return recovered;
    }
    // Only a power cut leaves a file without header: nothing in it was ever acknowledged as durable. Kept for a look.
    const file = path.join(directory, segmentName(sequence));
    const bytesCut = fs.statSync(file).size;
    const savedAs = `${segmentName(sequence)}.torn`;
    fs.renameSync(file, path.join(directory, savedAs));
    onTornTail?.({ segment: segmentName(sequence), position: 0, bytesCut, recordsCut: 0, savedAs });
  }
  return null;
}
