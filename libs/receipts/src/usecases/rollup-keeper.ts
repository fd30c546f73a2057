import { receiptTimeMs, type ReceiptId } from '#events/domain/ids.js';
import { dayOf, type Day } from '../domain/rollups.js';
import type { ReceiptBatch } from '../ports/receipt-store.js';
import type { ReceiptRollups } from '../ports/receipt-rollups.js';

/**
 * Knows which days have new receipts or corrections since their rollups were made. A day is made again, and looked at
 * once more at the next turn: another ingester may have put an older picture in place in between.
 */
export class RollupKeeper {
  readonly #changed = new Set<Day>();
  readonly #toLookAt = new Set<Day>();

  /** After a batch is stored. Corrections belong to the day of their receipt, which is in its id. */
  mark(batch: ReceiptBatch): void {
    for (const { receipt } of batch.receipts) this.markDay(dayOf(Date.parse(receipt.acceptedAt)));
    for (const { adjustment } of batch.adjustments) {
      this.markDay(dayOf(receiptTimeMs(adjustment.receiptId as ReceiptId)));
    }
  }

  markDay(day: Day): void {
    this.#changed.add(day);
  }

  get waiting(): number {
    return this.#changed.size + this.#toLookAt.size;
  }

  /** Brings the rollups up to date. What fails stays to be done. @returns the days that were made again. */
  async turn(rollups: ReceiptRollups): Promise<readonly Day[]> {
    const made: Day[] = [];
    for (const day of Array.from(this.#toLookAt)) {
      if (!this.#changed.has(day) && (await rollups.compareRollups(day)).length > 0) this.#changed.add(day);
      this.#toLookAt.delete(day);
    }
    for (const day of [...this.#changed].toSorted()) {
      // before the work: what is stored during it counts as new
      this.#changed.delete(day);
      try {
        await rollups.rebuildRollups(day);
      } catch (error) {
        this.#changed.add(day);
        throw error;
      }
      this.#toLookAt.add(day);
      made.push(day);
    }
    return made;
  }
}
