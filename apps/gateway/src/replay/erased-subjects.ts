import { decodeEvent } from '#events/domain/event-codec.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

const LIMITS = { recordsMax: 1_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };

/** All subjects that the control topic says are erased: a rebuilt index must not hold them either. */
export async function erasedSubjects(reader: EventLogReader): Promise<ReadonlySet<string>> {
  const subjects = new Set<string>();
  for (const partition of await reader.partitions(TOPICS.control)) {
    let offset = 0n;
    for (;;) {
      const batch = await reader.read({ topic: TOPICS.control, partition, offset }, LIMITS);
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (decoded.ok && decoded.event.type === 'nextmodel.subject.erased.v1')
          subjects.add(decoded.event.data.subject);
      }
      if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
      offset = batch.nextOffset;
    }
  }
  return subjects;
}
