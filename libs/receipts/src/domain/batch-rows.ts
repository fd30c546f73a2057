import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { ColumnError } from './column-value.js';
import { RECEIPT_TABLES, TABLE_COLUMNS, type ReceiptTable } from './receipt-columns.js';
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
    for (const cells of shaped(() => toAttemptRows(receipt, place))) add('attempts', place, cells);
    add(
      'receipts',
      place,
      shaped(() => toReceiptRow(receipt, place)),
    );
    add('log_entries', place, toLogEntryRow('sealed', receipt.receiptId, '', place));
  }
  for (const { adjustment, place } of batch.adjustments) {
    add(
      'adjustments',
      place,
      shaped(() => toAdjustmentRow(adjustment, place)),
    );
    add('log_entries', place, toLogEntryRow('adjusted', adjustment.receiptId, adjustment.reason, place));
  }
  for (const { kind, receiptId, reason, place } of batch.skipped ?? []) {
    add('log_entries', place, toLogEntryRow(kind, receiptId, reason, place));
  }
  for (const list of rows.values()) list.sort((a, b) => (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0));
  return rows;
}

/** Events are checked for their ids only when they are decoded: what else is missing shows here. */
function shaped<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ColumnError) throw error;
    throw new ColumnError('event', 'not in the shape of its type');
  }
}

/**
 * Names the rows of a batch: the same rows, the same token. Not the range alone: after a power cut the log can give
 * offsets to other events, and a token used again for other rows would lose them without a word.
 */
export function batchToken(
  table: ReceiptTable,
  range: { readonly partition: number; readonly firstOffset: bigint; readonly lastOffset: bigint },
  rows: readonly PlacedRow[],
): string {
  let hash = 0x811c9dc5;
  const id = TABLE_COLUMNS[table].indexOf('receipt_id');
  for (const row of rows) {
    const text = String(row.cells[id]);
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return `${table}:${range.partition}:${range.firstOffset}-${range.lastOffset}:${(hash >>> 0).toString(16)}`;
}
