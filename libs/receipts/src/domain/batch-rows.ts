import { RECEIPT_TABLES, type ReceiptTable } from './receipt-columns.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { toAdjustmentRow, toAttemptRows, toLogEntryRow, toReceiptRow, type Row, type RowPlace } from './receipt-row.js';

/** What `batchRows` needs of a batch; `ReceiptBatch` of the port is one. */
export interface BatchContents {
  readonly receipts: readonly { readonly receipt: Receipt; readonly place: RowPlace }[];
  readonly adjustments: readonly { readonly adjustment: ReceiptAdjusted; readonly place: RowPlace }[];
  readonly skipped?: readonly {
    readonly kind: 'duplicate' | 'dead';
    readonly receiptId: string | null;
    readonly reason: string;
    readonly place: RowPlace;
  }[];
}

export interface PlacedRow {
  readonly offset: bigint;
  readonly cells: Row;
}

/** All rows of a batch by table, in the order of writing; within a table in the order of the log. Pure. */
export function batchRows(batch: BatchContents): ReadonlyMap<ReceiptTable, readonly PlacedRow[]> {
  const rows = new Map<ReceiptTable, PlacedRow[]>(RECEIPT_TABLES.map((table) => [table, []]));
  const add = (table: ReceiptTable, place: RowPlace, cells: Row): void => {
    rows.get(table)?.push({ offset: place.offset, cells });
  };
  for (const { receipt, place } of batch.receipts) {
    for (const cells of toAttemptRows(receipt, place)) add('attempts', place, cells);
    add('receipts', place, toReceiptRow(receipt, place));
    add('log_entries', place, toLogEntryRow('sealed', null, '', place));
  }
  for (const { adjustment, place } of batch.adjustments) {
    add('adjustments', place, toAdjustmentRow(adjustment, place));
    add('log_entries', place, toLogEntryRow('adjusted', adjustment.receiptId, adjustment.reason, place));
  }
  for (const { kind, receiptId, reason, place } of batch.skipped ?? []) {
    add('log_entries', place, toLogEntryRow(kind, receiptId, reason, place));
  }
  for (const list of rows.values()) list.sort((a, b) => (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0));
  return rows;
}
