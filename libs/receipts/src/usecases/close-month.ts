import type { EventLogReader } from '#event-log/ports/event-log.js';
import { MonthStatement, type TenantStatement } from '../domain/month-statement.js';
import { readAdjustments, scanReceipts } from './scan-receipts.js';

/**
 * The statements of a month, from the log alone. Run again on a month that is over it gives the same, byte for byte;
 * what was corrected since stands in the statement of the month in which the correction was booked, whatever time it
 * claims.
 */
export async function closeMonth(
  reader: EventLogReader,
  month: { readonly fromMs: number; readonly toMs: number },
  tenantId?: string,
): Promise<readonly TenantStatement[]> {
  const statement = new MonthStatement(month.fromMs, month.toMs);
  const found = new Set<string>();
  const window = { fromMs: 0, toMs: month.toMs, ...(tenantId === undefined ? {} : { tenantId }) };
  for await (const { receipt, adjustments } of scanReceipts(reader, window)) {
    statement.addReceipt(receipt, adjustments);
    for (const [at, adjustment] of adjustments.entries()) {
      statement.addAdjustment(adjustment, receipt, adjustments.slice(0, at));
    }
    if (adjustments.length > 0) found.add(receipt.receiptId);
  }
  for (const [receiptId, adjustments] of await readAdjustments(reader)) {
    if (found.has(receiptId)) continue;
    for (const adjustment of adjustments) {
      if (tenantId === undefined || adjustment.tenantId === tenantId) statement.addAdjustment(adjustment, null);
    }
  }
  return statement.tenants();
}
