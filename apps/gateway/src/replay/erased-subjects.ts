import { decodeEvent } from '#events/domain/event-codec.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

const LIMITS = { recordsMax: 1_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };

/** Subjects that the control topic says are erased, and when last (Unix ms): a rebuilt index must not hold them. */
export async function erasedSubjects(reader: EventLogReader): Promise<ReadonlyMap<string, number>> {
  const subjects = new Map<string, number>();
  for (const partition of await reader.partitions(TOPICS.control)) {
    let offset = 0n;
    for (;;) {
      const batch = await reader.read({ topic: TOPICS.control, partition, offset }, LIMITS);
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (!decoded.ok || decoded.event.type !== 'nextmodel.subject.erased.v1') continue;
        const { subject, erasedAt } = decoded.event.data;
        subjects.set(subject, Math.max(Date.parse(erasedAt), subjects.get(subject) ?? 0));
      }
      if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
      offset = batch.nextOffset;
    }
  }
  return subjects;
}
