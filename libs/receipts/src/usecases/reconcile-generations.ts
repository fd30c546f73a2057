import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { generationDrifts, lateUsageAdjustment, type GenerationDrift } from '../domain/generation-drift.js';
import type { Generation } from '../domain/generation.js';
import type { GenerationSource } from '../ports/generation-source.js';
import { scanReceipts, type ReceiptWindow } from './scan-receipts.js';

export interface GenerationOrder {
  readonly reader: EventLogReader;
  readonly window: ReceiptWindow;
  /** Books by the provider's name in the configuration. */
  readonly books: ReadonlyMap<string, GenerationSource>;
  readonly adjustedAt: string;
  /** Absent = nothing is corrected. */
  readonly append?: (adjustments: readonly ReceiptAdjusted[]) => Promise<void>;
}

const AT_A_TIME = 100;

/**
 * Asks the providers' books about every call that may have been charged, and corrects what receipts had to estimate or
 * could not know. A second run corrects nothing more. @returns one row for each call that was asked for.
 */
export async function reconcileGenerations(order: GenerationOrder): Promise<{
  readonly drifts: readonly GenerationDrift[];
  readonly corrected: number;
}> {
  const drifts: GenerationDrift[] = [];
  let waiting: ReceiptAdjusted[] = [];
  let corrected = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) await order.append?.(waiting);
    waiting = [];
  };
  for await (const { receipt, adjustments } of scanReceipts(order.reader, order.window)) {
    const books = new Map<number, Generation | null>();
    for (const { n, provider, providerRequestId, billed } of receipt.attempts) {
      const source = order.books.get(provider);
      // Ids of other calls are those of a proxy, which the books do not know.
      if (source === undefined || billed === 'no' || providerRequestId?.startsWith('gen-') !== true) continue;
      books.set(n, await source.find(providerRequestId));
    }
    const found = generationDrifts(receipt, adjustments, books);
    drifts.push(...found);
    const adjustment = lateUsageAdjustment(receipt, adjustments, found);
    if (adjustment === null) continue;
    corrected += 1;
    waiting.push({ ...adjustment, adjustedAt: order.adjustedAt });
    if (waiting.length >= AT_A_TIME) await flush();
  }
  await flush();
  return { drifts, corrected };
}
