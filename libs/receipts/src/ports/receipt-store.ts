import type { ReceiptId } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptRollups } from './receipt-rollups.js';
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

/** A position of the log without a row of its own: a receipt sealed before, or a record that could not be read. */
export interface StoredSkip {
  readonly kind: 'duplicate' | 'dead';
  /** `null` when the record could not say. */
  readonly receiptId: string | null;
  readonly reason: string;
  readonly place: LogPlace;
}

/** A range of offsets of one partition, always the same for the same range: the unit of exactly-once. */
export interface ReceiptBatch {
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly receipts: readonly StoredReceipt[];
  readonly adjustments: readonly StoredAdjustment[];
  /** So that every position of the log is accounted for. */
  readonly skipped?: readonly StoredSkip[];
}

export interface InsertOptions {
  /**
   * Looks up which offsets of the range stand in which table and writes only the missing rows. For the first batch
   * after a start or a failure, when an earlier try may have come half way under another range.
   */
  readonly verify?: boolean;
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

export interface ReceiptPage {
  /** At most 1,000. */
  readonly limit: number;
  /** Only receipts older than this one, which need not exist: its time is in its id. */
  readonly before?: ReceiptId;
  /** Only those of one key. */
  readonly apiKeyId?: string;
}

export interface AuditResult {
  readonly columns: readonly { readonly name: string; /** ClickHouse type. */ readonly type: string }[];
  /** Decimals and 64-bit integers as text. */
  readonly rows: readonly (readonly unknown[])[];
}

/** Asks in SQL; what audits run over. */
export interface ReceiptQueries {
  /** `{name:Type}` in the text is filled from `parameters`. @throws RouterError `store_unavailable`. */
  query(sql: string, parameters: Readonly<Record<string, string>>): Promise<AuditResult>;
}

/** The view of receipts that SQL reads. */
export interface ReceiptStore {
  /** Makes database, tables, views if they are missing. */
  migrate(): Promise<void>;
  /**
   * Writes one batch: attempts, adjustments, receipts, then the positions, each table with the token
   * `<table>:<partition>:<first>-<last>:<hash of its receipt ids>`. The same batch again changes nothing. Resolves when the rows can be read.
   * @throws RouterError `event_undecodable` when the store refuses a row for what it holds: no retry will help.
   * @throws RouterError `store_unavailable` (retryable) when it is unknown whether rows were written: send it again.
   */
  insert(batch: ReceiptBatch, options?: InsertOptions): Promise<void>;
  /** Highest offset that is wholly stored, whatever it held; `null` when none is. All lower ones are stored too. */
  lastOffset(partition: number): Promise<bigint | null>;
  /** One receipt of a tenant; `null` when there is none (another tenant's counts as none). */
  find(tenantId: string, receiptId: string): Promise<Receipt | null>;
  /** Where a receipt stands in the log; `null` as `find`. Check what stands there: rows can be edited, the log cannot. */
  findPlace(tenantId: string, receiptId: string): Promise<Pick<LogPlace, 'partition' | 'offset'> | null>;
  /** A tenant's receipts, newest first. */
  list(tenantId: string, page: ReceiptPage): Promise<readonly Receipt[]>;
  sums(): Promise<ReceiptSums>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Puts a store that was rebuilt beside the live one in its place. */
export interface ReceiptRebuild {
  /** The database this store is. */
  readonly database: string;
  readonly rollups: ReceiptRollups;
  /** Swaps in the tables of the database `rebuilt`, each atomically, then drops that database with the old tables. */
  takeOver(rebuilt: string): Promise<void>;
  /** Drops this store's database. For rebuilt ones; the live one is only ever taken over. */
  dropDatabase(): Promise<void>;
}
