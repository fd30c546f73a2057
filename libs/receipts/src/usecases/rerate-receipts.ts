import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { rerateReceipt, type PriceAgain } from '../domain/rerate-receipt.js';
import { scanReceipts, type ReceiptWindow } from './scan-receipts.js';

/** One line of what a re-rating finds, by the model that served. */
export interface RerateRow {
  readonly provider: string;
  readonly model: string;
  receipts: number;
  changed: number;
  /** Had no price and have one now. */
  newlyPriced: number;
  stillUnpriced: number;
  /** Picodollars over the receipts that had a price. */
  before: bigint;
  /** Picodollars over the receipts that have one now. */
  after: bigint;
}

export interface RerateOrder {
  readonly reader: EventLogReader;
  readonly window: ReceiptWindow;
  readonly priceAgain: PriceAgain;
  readonly adjustedAt: string;
  /** Takes adjustments as they are found, at most a thousand at once. Left out: nothing is written. */
  readonly append?: (adjustments: readonly ReceiptAdjusted[], priceHashes: ReadonlySet<string>) => Promise<void>;
}

const APPEND_MAX = 1_000;

/**
 * Prices all receipts of a window again and appends the differences as `receipt.adjusted`; sealed receipts stay as they
 * are. A second run with the same prices appends nothing; one that was cut short goes on where it stopped.
 */
export async function rerateReceipts(order: RerateOrder): Promise<readonly RerateRow[]> {
  const rows = new Map<string, RerateRow>();
  let pending: ReceiptAdjusted[] = [];
  let hashes = new Set<string>();
  const flush = async (): Promise<void> => {
    if (pending.length > 0) await order.append?.(pending, hashes);
    pending = [];
    hashes = new Set();
  };
  for await (const { receipt, adjustments } of scanReceipts(order.reader, order.window)) {
    const { before, after, adjustment, priceHashes } = rerateReceipt(receipt, adjustments, order.priceAgain);
    const row = rowOf(rows, receipt.provider ?? '', receipt.servedModel ?? '');
    row.receipts += 1;
    row.before += before ?? 0n;
    row.after += after ?? before ?? 0n;
    if (after === null && before === null) row.stillUnpriced += 1;
    if (adjustment === null) continue;
    row.changed += 1;
    if (before === null) row.newlyPriced += 1;
    pending.push({ ...adjustment, adjustedAt: order.adjustedAt });
    for (const hash of priceHashes) hashes.add(hash);
    if (pending.length >= APPEND_MAX) await flush();
  }
  await flush();
  return [...rows.values()].sort((a, b) => `${a.provider}/${a.model}`.localeCompare(`${b.provider}/${b.model}`));
}

function rowOf(rows: Map<string, RerateRow>, provider: string, model: string): RerateRow {
  const key = JSON.stringify([provider, model]);
  let row = rows.get(key);
  if (row === undefined) {
    row = { provider, model, receipts: 0, changed: 0, newlyPriced: 0, stillUnpriced: 0, before: 0n, after: 0n };
    rows.set(key, row);
  }
  return row;
}
