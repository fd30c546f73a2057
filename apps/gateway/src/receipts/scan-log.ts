import { receiptTimeMs, type ReceiptId } from '#events/domain/ids.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

/** Records are appended in the order of dispatch or sealing, not of acceptance: look this much around. */
const DISORDER_RECORDS = 2_048n;
const SCANNED_MAX = 50_000;
const SCAN = { recordsMax: 2_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };
const ONE = { recordsMax: 1, bytesMax: 1024 * 1024, waitMs: 0 };

/**
 * Finds a record of a receipt in the log by bisection over the time inside its id, then a bounded scan.
 * @param untilMs records later than this after the receipt's acceptance are not looked at.
 * @returns the first for which `pick` gives something; `null` when there is none, or it is past its retention.
 */
export async function scanLog<T>(
  reader: EventLogReader,
  topic: string,
  receiptId: ReceiptId,
  untilMs: number,
  pick: (record: StoredRecord) => T | null,
): Promise<T | null> {
  const atMs = receiptTimeMs(receiptId);
  for (const partition of await reader.partitions(topic)) {
    const { first, head } = await reader.bounds(topic, partition);
    let low = first;
    let high = head;
    while (high - low > 512n) {
      const middle = (low + high) / 2n;
      const probe = await reader.read({ topic, partition, offset: middle }, ONE);
      const time = probe.records[0]?.headers['ce_time'];
      if (time !== undefined && Date.parse(time) < atMs - 1) low = middle;
      else high = middle;
    }
    const from = low - DISORDER_RECORDS > first ? low - DISORDER_RECORDS : first;
    const found = await scanPartition(reader, { topic, partition, offset: from }, receiptId, atMs + untilMs, pick);
    if (found !== null) return found;
  }
  return null;
}

async function scanPartition<T>(
  reader: EventLogReader,
  from: { readonly topic: string; readonly partition: number; readonly offset: bigint },
  receiptId: string,
  untilMs: number,
  pick: (record: StoredRecord) => T | null,
): Promise<T | null> {
  let { offset } = from;
  for (let scanned = 0; scanned < SCANNED_MAX;) {
    const batch = await reader.read({ ...from, offset }, SCAN);
    for (const record of batch.records) {
      const found = record.key === receiptId ? pick(record) : null;
      if (found !== null) return found;
    }
    const last = batch.records.at(-1)?.headers['ce_time'];
    if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) return null;
    if (last !== undefined && Date.parse(last) > untilMs) return null;
    scanned += batch.records.length;
    offset = batch.nextOffset;
  }
  return null;
}
