import type { ReceiptBatch } from '#receipts/ports/receipt-store.js';
import type { StepReport } from '#receipts/receipts.module.js';
import { CellFamily } from '#telemetry/domain/metric-families.js';

/** Counters of an ingester; names in `docs/metrics.md`. */
export class IngesterMetrics {
  readonly #receipts = new CellFamily('nextmodel_ingester_receipts_total', 'Receipts stored.', []);
  readonly #steps = new CellFamily(
    'nextmodel_ingester_steps_total',
    'Steps that took long (slow) or were given up (unanswered).',
    ['step', 'outcome'],
  );
  readonly #delays = new CellFamily('nextmodel_ingester_delays_total', 'Batches that the store did not take.', []);
  readonly #dead = new CellFamily('nextmodel_ingester_dead_letters_total', 'Records that were put aside.', []);
  readonly #days = new CellFamily(
    'nextmodel_rollup_days_total',
    'Days whose rollups were made: new receipts (changed) or a drift (repaired).',
    ['why'],
  );
  readonly #checked = new CellFamily(
    'nextmodel_rollup_checked_timestamp_seconds',
    'Last whole check of the rollups.',
    [],
    'gauge',
  );
  readonly delays = this.#delays.bind([]);
  readonly deadLetters = this.#dead.bind([]);
  readonly daysChanged = this.#days.bind(['changed']);
  readonly daysRepaired = this.#days.bind(['repaired']);
  readonly checkedAt = this.#checked.bind([]);

  stored(batch: ReceiptBatch): void {
    this.#receipts.bind([]).value += batch.receipts.length;
  }

  step({ step, kind }: StepReport): void {
    this.#steps.bind([step, kind]).value += 1;
  }

  text(): string {
    return [this.#receipts, this.#steps, this.#delays, this.#dead, this.#days, this.#checked]
      .map((family) => family.expose())
      .join('');
  }
}
