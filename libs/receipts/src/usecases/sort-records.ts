import { decodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { RecentIds } from '../domain/recent-ids.js';
import type { LogPlace, ReceiptBatch, StoredAdjustment, StoredReceipt, StoredSkip } from '../ports/receipt-store.js';

export interface DeadRecord {
  readonly record: StoredRecord;
  readonly reason: string;
}

export interface SortedRecords {
  readonly batch: ReceiptBatch;
  readonly dead: readonly DeadRecord[];
  /** To be remembered once the batch is stored. */
  readonly seen: ReadonlyMap<string, bigint>;
}

/** Turns records into a batch: receipts, adjustments, repeats of either, and what nobody can read. Never throws. */
export function sortRecords(records: readonly StoredRecord[], recent: RecentIds): SortedRecords {
  const receipts: StoredReceipt[] = [];
  const adjustments: StoredAdjustment[] = [];
  const skipped: StoredSkip[] = [];
  const dead: DeadRecord[] = [];
  const seen = new Map<string, bigint>();
  const isRepeat = (id: string, offset: bigint): boolean => {
    const first = recent.firstOffset(id) ?? seen.get(id);
    if (first !== undefined && first < offset) return true;
    seen.set(id, offset);
    return false;
  };
  for (const record of records) {
    const place = placeOf(record);
    const decoded = decodeEvent(record);
    if (!decoded.ok) {
      dead.push({ record, reason: `${decoded.reason}: ${decoded.detail}` });
      skipped.push({ kind: 'dead', receiptId: null, reason: decoded.reason, place });
    } else if (decoded.event.type === 'nextmodel.receipt.sealed.v1') {
      const receipt = decoded.event.data;
      if (isRepeat(receipt.receiptId, record.offset)) {
        skipped.push({ kind: 'duplicate', receiptId: receipt.receiptId, reason: 'sealed before', place });
      } else receipts.push({ receipt, place });
    } else if (decoded.event.type === 'nextmodel.receipt.adjusted.v1') {
      const adjustment = decoded.event.data;
      if (isRepeat(`${adjustment.receiptId}/${adjustment.seq}`, record.offset)) {
        skipped.push({ kind: 'duplicate', receiptId: adjustment.receiptId, reason: 'adjusted before', place });
      } else adjustments.push({ adjustment, place });
    } else {
      dead.push({ record, reason: `unexpected_type: ${decoded.event.type}` });
      skipped.push({ kind: 'dead', receiptId: null, reason: 'unexpected_type', place });
    }
  }
  return { batch: { ...rangeOf(records), receipts, adjustments, skipped }, dead, seen };
}

/** The batch of one record that the store refuses. */
export function deadBatch(record: StoredRecord, reason: string): ReceiptBatch {
  const skipped: StoredSkip[] = [{ kind: 'dead', receiptId: null, reason, place: placeOf(record) }];
  return { ...rangeOf([record]), receipts: [], adjustments: [], skipped };
}

function rangeOf(records: readonly StoredRecord[]): Pick<ReceiptBatch, 'partition' | 'firstOffset' | 'lastOffset'> {
  return {
    partition: records[0]?.partition ?? 0,
    firstOffset: records[0]?.offset ?? 0n,
    lastOffset: records.at(-1)?.offset ?? 0n,
  };
}

function placeOf({ topic, partition, offset }: StoredRecord): LogPlace {
  return { logId: `${topic}/${partition}`, partition, offset };
}
