import { decodeEvent } from '#events/domain/event-codec.js';
import type { ReceiptId } from '#events/domain/ids.js';
import type { RequestAccepted } from '#events/domain/router-event.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { scanLog } from './scan-log.js';

const AROUND_MS = 60_000;

/** `request.accepted` of a receipt, with the route decision; `null` when it is past its retention, or never was. */
export function findDecision(reader: EventLogReader, receiptId: ReceiptId): Promise<RequestAccepted | null> {
  return scanLog(reader, TOPICS.requests, receiptId, AROUND_MS, (record) => {
    const decoded = decodeEvent(record);
    return decoded.ok && decoded.event.type === 'nextmodel.request.accepted.v1' ? decoded.event.data : null;
  });
}
