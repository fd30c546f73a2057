import { parsePriceRecord, type PriceRecord } from '#pricing/domain/price-record.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { recomputeReceipt, type CostMismatch } from '../domain/recompute-attempt.js';
import { scanReceipts, type ReceiptWindow } from './scan-receipts.js';

export interface RecomputeResult {
  readonly receipts: number;
  readonly attempts: number;
  /** Attempts that name a price record. */
  readonly priced: number;
  readonly priceRecords: number;
  readonly mismatches: number;
  /** The first hundred. */
  readonly shown: readonly CostMismatch[];
}

const SHOWN_MAX = 100;

/**
 * Computes every cost in the log again, integers only, and prices every attempt again by the record that it names.
 * @param recordText the exact text behind a price hash; `null` = not known, which is a mismatch.
 */
export async function recomputeReceipts(
  reader: EventLogReader,
  window: ReceiptWindow,
  recordText: (priceHash: string) => string | null,
): Promise<RecomputeResult> {
  const records = new Map<string, PriceRecord | null>();
  const recordOf = (priceHash: string): PriceRecord | null => {
    let record = records.get(priceHash);
    if (record === undefined) {
      const text = recordText(priceHash);
      record = text === null ? null : parsePriceRecord(text);
      records.set(priceHash, record);
    }
    return record;
  };
  const counts = { receipts: 0, attempts: 0, priced: 0, mismatches: 0 };
  const shown: CostMismatch[] = [];
  for await (const { receipt } of scanReceipts(reader, window)) {
    counts.receipts += 1;
    counts.attempts += receipt.attempts.length;
    counts.priced += receipt.attempts.filter(({ priceHash }) => priceHash !== null).length;
    const found = recomputeReceipt(receipt, recordOf);
    counts.mismatches += found.length;
    shown.push(...found.slice(0, SHOWN_MAX - shown.length));
  }
  return { ...counts, priceRecords: records.size, shown };
}
