import fs from 'node:fs';
import path from 'node:path';
import { RouterError } from '#events/domain/router-error.js';
import { frameEnd, frameState } from './frame.js';
import { segmentName } from './segment-header.js';
import type { SegmentStore } from './segment-store.js';

/** Damage in a sealed segment: bytes that were synced once and are wrong now. */
export interface BadFrame {
  /** Segment file within the partition directory. */
  readonly segment: string;
  readonly position: number;
  /** Up to the next frame that is whole, or the end of the segment. */
  readonly bytes: number;
  /** Where the damaged bytes were copied to. */
  readonly quarantinedAs: string;
}

export class DamagedSegmentError extends RouterError {
  readonly badFrame: BadFrame;

  constructor(badFrame: BadFrame) {
    super({
      code: 'event_undecodable',
      publicMessage: 'A part of the event log is damaged.',
      detail: `${badFrame.bytes} damaged bytes in ${badFrame.segment} at ${badFrame.position}, see ${badFrame.quarantinedAs}`,
    });
    this.badFrame = badFrame;
  }
}

/**
 * Copies the damaged bytes at a position to `quarantine/` and finds the frame to go on with. The copy is also the mark
 * that the damage was reported: `isNew` is false when it was there before.
 */
export function quarantine(
  store: SegmentStore,
  sequence: number,
  position: number,
  end: number,
): { readonly badFrame: BadFrame; readonly isNew: boolean } {
  const rest = Buffer.allocUnsafe(end - position);
  const count = store.read(sequence, rest, position);
  const bytes = nextWholeFrame(rest, count) ?? end - position;
  const segment = segmentName(sequence);
  const quarantinedAs = path.join('quarantine', `${segment}-${position}.bad`);
  const badFrame: BadFrame = { segment, position, bytes, quarantinedAs };
  fs.mkdirSync(path.join(store.directory, 'quarantine'), { recursive: true, mode: 0o700 });
  try {
    const file = path.join(store.directory, quarantinedAs);
    fs.writeFileSync(file, rest.subarray(0, Math.min(bytes, count)), { flag: 'wx', mode: 0o600 });
    return { badFrame, isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { badFrame, isNew: false };
  }
}

/** A damaged payload leaves the next frame where the length says; a damaged length needs a search. */
function nextWholeFrame(rest: Buffer, count: number): number | null {
  const claimed = frameEnd(rest, 0, count);
  if (claimed === count || (claimed > 0 && frameState(rest, claimed, count) === 'whole')) return claimed;
  for (let at = 1; at < count; at += 1) {
    // Cheap tests first: flags are 0 or 1, and no offset reaches 2^40.
    if ((rest[at + 8] ?? 255) > 1 || rest[at + 17] !== 0 || rest[at + 16] !== 0) continue;
    if (frameState(rest, at, count) === 'whole') return at;
  }
  return null;
}
