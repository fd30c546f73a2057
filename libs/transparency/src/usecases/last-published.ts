import type { EventLogReader } from '#event-log/ports/event-log.js';
import { decodeEvent } from '#events/domain/event-codec.js';
import { TOPICS } from '#events/domain/topics.js';
import { parseCheckpoint } from '../domain/checkpoint.js';
import { checkNote, type VerifySignature } from '../domain/signed-note.js';
import type { VerifierKey } from '../domain/verifier-key.js';

/** A log that signs once a second leaves this many behind in the time of a long run of another one. */
const LOOKED_AT = 5_000n;
const READ = { recordsMax: 1_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };

/** Notes of one log by the size that they name; none is checked yet. */
type Candidates = Map<number, string[]>;

/**
 * The largest checkpoint of a log among the last events of `nextmodel.checkpoints`; `null` when there is none. Notes
 * without a valid signature of the log are passed over.
 */
export async function lastPublished(
  reader: EventLogReader,
  key: VerifierKey,
  verify: VerifySignature,
): Promise<string | null> {
  return largestOf((await publishedNotes(reader)).get(key.name), key, verify);
}

/** All notes among the last events, by origin: one reading serves all logs. */
export async function publishedNotes(reader: EventLogReader): Promise<ReadonlyMap<string, Candidates>> {
  const found = new Map<string, Candidates>();
  for (const partition of await reader.partitions(TOPICS.checkpoints)) {
    const { first, head } = await reader.bounds(TOPICS.checkpoints, partition);
    let offset = head - LOOKED_AT > first ? head - LOOKED_AT : first;
    while (offset < head) {
      const batch = await reader.read({ topic: TOPICS.checkpoints, partition, offset }, READ);
      if (batch.records.length === 0) break;
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (!decoded.ok || decoded.event.type !== 'nextmodel.checkpoint.published.v1') continue;
        const { origin, note } = decoded.event.data;
        const parsed = parseCheckpoint(note);
        if (typeof parsed === 'string' || parsed.checkpoint.origin !== origin) continue;
        const { size } = parsed.checkpoint;
        const ofLog = found.get(origin) ?? found.set(origin, new Map()).get(origin);
        ofLog?.set(size, [...(ofLog.get(size) ?? []), note]);
      }
      offset = batch.nextOffset;
    }
  }
  return found;
}

/** Checks signatures from the largest size down, so that as a rule it is one. */
export function largestOf(
  candidates: Candidates | undefined,
  key: VerifierKey,
  verify: VerifySignature,
): string | null {
  for (const [, notes] of [...(candidates ?? [])].sort(([a], [b]) => b - a)) {
    for (const note of notes) {
      const parsed = parseCheckpoint(note);
      if (typeof parsed !== 'string' && typeof checkNote(parsed.note, [key], verify) !== 'string') return note;
    }
  }
  return null;
}
