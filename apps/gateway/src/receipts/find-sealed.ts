import { decodeEvent } from '#events/domain/event-codec.js';
import type { ReceiptId } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { scanLog } from './scan-log.js';

/** A receipt is sealed when its request ends. */
const REQUEST_MS_MAX = 10 * 60_000;

/** A receipt as it stands in the log: for the second until SQL has it, and while SQL is away. */
export function findSealed(reader: EventLogReader, tenantId: string, receiptId: ReceiptId): Promise<Receipt | null> {
  return scanLog(reader, TOPICS.receipts, receiptId, REQUEST_MS_MAX, (record) => {
    const decoded = decodeEvent(record);
    if (!decoded.ok || decoded.event.type !== 'nextmodel.receipt.sealed.v1') return null;
    return decoded.event.data.tenantId === tenantId ? decoded.event.data : null;
  });
}
