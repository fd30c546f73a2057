import type { EventLogReader } from '#event-log/ports/event-log.js';
import type { InvoiceLine } from '../domain/invoice.js';
import { withoutSnapshotDate } from '../domain/openai-invoice.js';
import { Reconciliation, type DriftRow } from '../domain/reconcile-invoice.js';
import { scanReceipts } from './scan-receipts.js';

const DAY_MS = 86_400_000;

/**
 * Compares an invoice with the attempts of its days, corrections included.
 * Models are compared without the date of a snapshot where no row of the invoice has one.
 * @param toleranceMilli thousandths of the invoice's amount that count as no drift.
 */
export async function reconcileReceipts(
  reader: EventLogReader,
  invoice: readonly InvoiceLine[],
  toleranceMilli: bigint,
): Promise<readonly DriftRow[]> {
  const days = invoice.map(({ day }) => Date.parse(day)).sort((a, b) => a - b);
  // Requests of the evening before may have attempts on the first day.
  const window = { fromMs: (days[0] ?? 0) - DAY_MS, toMs: (days.at(-1) ?? 0) + DAY_MS };
  const dated = invoice.some(({ model }) => withoutSnapshotDate(model) !== model);
  const reconciliation = dated ? new Reconciliation() : new Reconciliation(withoutSnapshotDate);
  for await (const { receipt, adjustments } of scanReceipts(reader, window)) {
    reconciliation.addReceipt(receipt, adjustments);
  }
  return reconciliation.compare(invoice, toleranceMilli);
}
