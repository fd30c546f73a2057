import type { Day } from '../domain/rollups.js';

/** A rollup that does not say of a day what the receipts say. */
export interface RollupDrift {
  readonly rollup: string;
  readonly day: Day;
  /** Requests that the rollup counts; equal numbers with a drift mean that other columns or groups differ. */
  readonly requests: bigint;
  readonly requestsRight: bigint;
}

/** Sums by day beside the receipts; a view of a view, exact because a day is always made as a whole. */
export interface ReceiptRollups {
  /** Days of the last 398 that have receipts or rows in a rollup, oldest first. */
  rollupDays(): Promise<readonly Day[]>;
  /** Those whose number of requests or cost differs: one quick look over all days. */
  suspectDays(): Promise<readonly Day[]>;
  /** Every row of every rollup of a day against a fresh calculation. */
  compareRollups(day: Day): Promise<readonly RollupDrift[]>;
  /** Makes all rollups of a day again; each changes at once. Idempotent; the last of two at once wins. */
  rebuildRollups(day: Day): Promise<void>;
}
