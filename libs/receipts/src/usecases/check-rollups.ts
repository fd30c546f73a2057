import type { Day } from '../domain/rollups.js';
import type { ReceiptRollups, RollupDrift } from '../ports/receipt-rollups.js';

export interface RollupCheck {
  readonly days: number;
  /** What was found; with `repair`, what was repaired. */
  readonly drifts: readonly RollupDrift[];
}

/**
 * Compares the rollups of all days with the receipts, row by row, and makes those days again that differ.
 * @param repair `false`: only look. Receipts that arrive meanwhile can look like a drift of their day.
 * @param onDay told after each day, for progress and to stop: `false` ends the check there.
 */
export async function checkRollups(
  rollups: ReceiptRollups,
  repair: boolean,
  onDay: (day: Day, drifts: readonly RollupDrift[]) => boolean = () => true,
): Promise<RollupCheck> {
  const all: RollupDrift[] = [];
  let days = 0;
  for (const day of await rollups.rollupDays()) {
    const drifts = await rollups.compareRollups(day);
    if (drifts.length > 0 && repair) await rollups.rebuildRollups(day);
    all.push(...drifts);
    days += 1;
    if (!onDay(day, drifts)) break;
  }
  return { days, drifts: all };
}
