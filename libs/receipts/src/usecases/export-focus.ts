import type { EventLogReader } from '#event-log/ports/event-log.js';
import { FocusRows, type FocusRow } from '../domain/focus-rows.js';
import { scanReceipts, type ReceiptWindow } from './scan-receipts.js';

/** Usage of the window's requests, and the corrections that were booked in it, as rows of FOCUS 1.2. */
export async function exportFocus(reader: EventLogReader, window: ReceiptWindow): Promise<readonly FocusRow[]> {
  const rows = new FocusRows();
  for await (const { receipt, adjustments } of scanReceipts(reader, { ...window, fromMs: 0 })) {
    if (Date.parse(receipt.acceptedAt) >= window.fromMs) rows.addReceipt(receipt);
    for (const adjustment of adjustments) {
      const atMs = Date.parse(adjustment.bookedAt);
      if (atMs >= window.fromMs && atMs < window.toMs) rows.addAdjustment(adjustment, receipt);
    }
  }
  return rows.rows();
}
