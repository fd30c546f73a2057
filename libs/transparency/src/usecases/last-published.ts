import type { EventLogReader } from '#event-log/ports/event-log.js';
import { decodeEvent } from '#events/domain/event-codec.js';
import { TOPICS } from '#events/domain/topics.js';
import { parseCheckpoint } from '../domain/checkpoint.js';
import { checkNote, type VerifySignature } from '../domain/signed-note.js';
import type { VerifierKey } from '../domain/verifier-key.js';

/** A log that signs once a second leaves this many behind in the time of a long run of another one. */
const LOOKED_AT = 5_000n;
const READ = { recordsMax: 1_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };

/**
 * The largest checkpoint of a log among the last events of `nextmodel.checkpoints`; `null` when there is none. Notes
 * without a valid signature of the log are passed over.
 */
export async function lastPublished(
  reader: EventLogReader,
  key: VerifierKey,
  verify: VerifySignature,
): Promise<string | null> {
  let found: { readonly size: number; readonly note: string } | null = null;
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
        const parsed = origin === key.name ? parseCheckpoint(note) : 'another log';
        if (typeof parsed === 'string' || parsed.checkpoint.size <= (found?.size ?? 0)) continue;
        if (typeof checkNote(parsed.note, [key], verify) === 'string') continue;
        found = { size: parsed.checkpoint.size, note };
      }
      offset = batch.nextOffset;
    }
  }
  return found?.note ?? null;
}
