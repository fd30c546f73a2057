import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';

/** Where a row came from in the log. Rows are a function of the event and this alone, so replays make equal rows. */
export interface LogPlace {
  /** `<topic>/<partition>`: names the transparency log. */
  readonly logId: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface StoredReceipt {
  readonly receipt: Receipt;
  readonly place: LogPlace;
}

export interface StoredAdjustment {
  readonly adjustment: ReceiptAdjusted;
  readonly place: LogPlace;
}

/** A range of offsets of one partition, always the same for the same range: the unit of exactly-once. */
export interface ReceiptBatch {
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly receipts: readonly StoredReceipt[];
  readonly adjustments: readonly StoredAdjustment[];
}

export interface ReceiptSums {
  readonly receipts: bigint;
  readonly attempts: bigint;
  readonly adjustments: bigint;
  /** Decimal text in dollars; sums over distinct receipts. */
  readonly costUsd: string;
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
}

/** The view of receipts that SQL reads. */
export interface ReceiptStore {
  /** Makes database, tables, views if they are missing. */
  migrate(): Promise<void>;
  /**
   * Writes one batch, attempts before receipts, each table with the token `<table>:<partition>:<first>-<last>`.
   * The same batch again changes nothing. Resolves when the rows can be read.
   * @throws RouterError `store_unavailable` (retryable) when it is unknown whether rows were written: send it again.
   */
  insert(batch: ReceiptBatch): Promise<void>;
  /** Highest offset whose row is stored, per partition; `null` when none is. */
  lastOffset(partition: number): Promise<bigint | null>;
  /** One receipt of a tenant; `null` when there is none (another tenant's counts as none). */
  find(tenantId: string, receiptId: string): Promise<Receipt | null>;
  sums(): Promise<ReceiptSums>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
export const RECEIPT_STORE = Symbol('ReceiptStore');
