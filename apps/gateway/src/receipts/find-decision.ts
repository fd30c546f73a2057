import { decodeEvent } from '#events/domain/event-codec.js';
import { receiptTimeMs, type ReceiptId } from '#events/domain/ids.js';
import type { RequestAccepted } from '#events/domain/router-event.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

/** Requests are appended in the order of dispatch, not of acceptance: look this much around. */
const AROUND_MS = 10 * 60_000;
const DISORDER_RECORDS = 2_048n;
const SCAN = { recordsMax: 2_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };
const ONE = { recordsMax: 1, bytesMax: 1024 * 1024, waitMs: 0 };

/**
 * Finds `request.accepted` of a receipt in the log, by bisection over the time inside its id.
 * @returns `null` when it is past its retention, or never was.
 */
export async function findDecision(reader: EventLogReader, receiptId: ReceiptId): Promise<RequestAccepted | null> {
  const atMs = receiptTimeMs(receiptId);
  for (const partition of await reader.partitions(TOPICS.requests)) {
    const bounds = await reader.bounds(TOPICS.requests, partition);
    let low = bounds.first;
    let high = bounds.head;
    while (high - low > 512n) {
      const middle = (low + high) / 2n;
      const probe = await reader.read({ topic: TOPICS.requests, partition, offset: middle }, ONE);
      const time = probe.records[0]?.headers['ce_time'];
      if (time !== undefined && Date.parse(time) < atMs - 1) low = middle;
      else high = middle;
    }
    const from = low - DISORDER_RECORDS > bounds.first ? low - DISORDER_RECORDS : bounds.first;
    const found = await scan(reader, partition, from, receiptId, atMs + AROUND_MS);
    if (found !== null) return found;
  }
  return null;
}

async function scan(
  reader: EventLogReader,
  partition: number,
  from: bigint,
  receiptId: string,
  untilMs: number,
): Promise<RequestAccepted | null> {
  let offset = from;
  for (;;) {
    const batch = await reader.read({ topic: TOPICS.requests, partition, offset }, SCAN);
    for (const record of batch.records) {
      if (record.key !== receiptId) continue;
      const decoded = decodeEvent(record);
      if (decoded.ok && decoded.event.type === 'nextmodel.request.accepted.v1') return decoded.event.data;
    }
    const last = batch.records.at(-1)?.headers['ce_time'];
    if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) return null;
    if (last !== undefined && Date.parse(last) > untilMs) return null;
    offset = batch.nextOffset;
  }
}
