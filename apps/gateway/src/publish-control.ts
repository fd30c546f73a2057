import { decodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { pass } from '#events/ports/failpoint.js';
import type { EventLogWriter } from '#event-log/ports/event-log.js';

/** Appends control events and, once they are safe, applies them here at once; others read them from the log. */
export async function publishControl(
  log: EventLogWriter,
  apply: (event: RouterEvent) => void,
  records: readonly NewRecord[],
): Promise<void> {
  if (records.length === 0) return;
  await log.append(records).durable;
  pass('control_durable');
  for (const record of records) {
    const value = typeof record.value === 'string' ? Buffer.from(record.value) : record.value;
    const decoded = decodeEvent({ ...record, value });
    if (decoded.ok) apply(decoded.event);
  }
}
