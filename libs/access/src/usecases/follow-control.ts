import { decodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { BatchOutcome, RecordBatch } from '#event-log/ports/event-log.js';

export interface EventFollower {
  /** Idempotent: the log is delivered at least once. */
  readonly apply: (event: RouterEvent) => unknown;
  /** For the dead letters; the record is passed over. */
  readonly onUndecodable?: (record: StoredRecord, detail: string) => void;
}

/**
 * Batch handler for `nextmodel.control` (keys, prices) and any other topic that is folded into memory. Subscribe with
 * a group per process and `startAt: 'first'`: the state is a replay, so there is no checkpoint worth keeping.
 */
export function followControl(follower: EventFollower): (batch: RecordBatch) => Promise<BatchOutcome> {
  return async (batch) => {
    for (const record of batch.records) {
      const decoded = decodeEvent(record);
      if (decoded.ok) follower.apply(decoded.event);
      else follower.onUndecodable?.(record, `${decoded.reason}: ${decoded.detail}`);
    }
    return { kind: 'done' };
  };
}
