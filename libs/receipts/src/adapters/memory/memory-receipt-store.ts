import { receiptTimeMs } from '#events/domain/ids.js';
import { picoToDecimal } from '#events/domain/money.js';
import { inputTokens, outputTokens } from '#events/domain/meters.js';
import type { Receipt } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import { batchRows } from '../../domain/batch-rows.js';
import { ColumnError } from '../../domain/column-value.js';
import type {
  ReceiptBatch,
  ReceiptPage,
  ReceiptStore,
  ReceiptSums,
  StoredAdjustment,
  StoredReceipt,
} from '../../ports/receipt-store.js';

/** Receipts in memory, for tests and for a process without SQL. First position of the log wins, as in ClickHouse. */
export class MemoryReceiptStore implements ReceiptStore {
  readonly #receipts = new Map<string, StoredReceipt>();
  readonly #adjustments = new Map<string, StoredAdjustment>();
  readonly #last = new Map<number, bigint>();

  async migrate(): Promise<void> {}

  async insert(batch: ReceiptBatch): Promise<void> {
    let last = this.#last.get(batch.partition) ?? -1n;
    try {
      for (const { offset } of batchRows(batch).get('log_entries') ?? []) if (offset > last) last = offset;
    } catch (error) {
      if (!(error instanceof ColumnError)) throw error;
      throw new RouterError({ code: 'event_undecodable', publicMessage: error.message });
    }
    for (const stored of batch.receipts) keepFirst(this.#receipts, keyOf(stored.receipt), stored);
    for (const stored of batch.adjustments) {
      keepFirst(this.#adjustments, `${keyOf(stored.adjustment)}/${stored.adjustment.seq}`, stored);
    }
    if (last >= 0n) this.#last.set(batch.partition, last);
  }

  async lastOffset(partition: number): Promise<bigint | null> {
    return this.#last.get(partition) ?? null;
  }

  async find(tenantId: string, receiptId: string): Promise<Receipt | null> {
    return this.#receipts.get(keyOf({ tenantId, receiptId }))?.receipt ?? null;
  }

  async findPlace(tenantId: string, receiptId: string): Promise<StoredReceipt['place'] | null> {
    return this.#receipts.get(keyOf({ tenantId, receiptId }))?.place ?? null;
  }

  async list(tenantId: string, { limit, before, apiKeyId }: ReceiptPage): Promise<readonly Receipt[]> {
    const edge =
      before === undefined
        ? null
        : order({ acceptedAt: new Date(receiptTimeMs(before)).toISOString(), receiptId: before });
    return [...this.#receipts.values()]
      .map((stored) => stored.receipt)
      .filter((receipt) => receipt.tenantId === tenantId && (apiKeyId === undefined || receipt.apiKeyId === apiKeyId))
      .filter((receipt) => edge === null || order(receipt) < edge)
      .toSorted((a, b) => (order(a) < order(b) ? 1 : -1))
      .slice(0, Math.max(limit, 0));
  }

  async sums(): Promise<ReceiptSums> {
    const all = [...this.#receipts.values()].map((stored) => stored.receipt);
    const total = (count: (receipt: Receipt) => number): bigint =>
      BigInt(all.reduce((sum, one) => sum + count(one), 0));
    return {
      receipts: BigInt(all.length),
      attempts: total((receipt) => receipt.attempts.length),
      adjustments: BigInt(this.#adjustments.size),
      costUsd: picoToDecimal(all.reduce((sum, receipt) => sum + BigInt(receipt.costPicoUsd ?? '0'), 0n)),
      inputTokens: total((receipt) => inputTokens(receipt.meters)),
      outputTokens: total((receipt) => outputTokens(receipt.meters)),
    };
  }

  async ping(): Promise<void> {}
  async close(): Promise<void> {}
}

const order = (one: { readonly acceptedAt: string; readonly receiptId: string }): string =>
  `${one.acceptedAt}/${one.receiptId}`;

const keyOf = (one: { readonly tenantId: string; readonly receiptId: string }): string =>
  `${one.tenantId}/${one.receiptId}`;

function keepFirst<T extends StoredReceipt | StoredAdjustment>(map: Map<string, T>, key: string, stored: T): void {
  const known = map.get(key);
  if (known === undefined || stored.place.offset < known.place.offset) map.set(key, stored);
}
