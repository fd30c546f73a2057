import { CellFamily, type Family } from '../../domain/metric-families.js';
import type { MetricsSnapshot } from '../../ports/metrics.js';

/** What the transparency sequencer of this process has told last. */
export class TransparencyMetrics {
  readonly #size = new CellFamily('nextmodel_transparency_tree_size', 'Entries under a checkpoint.', ['log'], 'gauge');
  readonly #age = new CellFamily(
    'nextmodel_transparency_checkpoint_age_seconds',
    'Since the last checkpoint; grows while nothing new is there.',
    ['log'],
    'gauge',
  );
  readonly #uncovered = new CellFamily(
    'nextmodel_transparency_uncovered_entries',
    'Entries that no checkpoint covers yet.',
    ['log'],
    'gauge',
  );
  readonly #active = new CellFamily(
    'nextmodel_transparency_sequencer_active',
    'Does this process make the logs (1), or wait for another (0)?',
    [],
    'gauge',
  );
  readonly #refused = new CellFamily(
    'nextmodel_transparency_refused_logs',
    'Logs that contradict what was signed.',
    [],
    'gauge',
  );
  readonly #webhooks = new CellFamily(
    'nextmodel_transparency_webhook_failures_total',
    'Checkpoints that a receiver did not take; each is brought again.',
    [],
  );
  readonly #families: readonly Family[] = [
    this.#size,
    this.#age,
    this.#uncovered,
    this.#active,
    this.#refused,
    this.#webhooks,
  ];

  /** Nothing where the process runs no sequencer. */
  families(snapshot: MetricsSnapshot['transparency']): readonly Family[] {
    if (snapshot === undefined) return [];
    for (const family of [this.#size, this.#age, this.#uncovered]) family.clear();
    this.#active.bind([]).value = snapshot.active ? 1 : 0;
    this.#refused.bind([]).value = snapshot.refusedLogs;
    this.#webhooks.bind([]).value = snapshot.webhookFailures;
    for (const { log, size, checkpointAgeMs, uncovered } of snapshot.logs) {
      this.#size.bind([log]).value = size;
      this.#age.bind([log]).value = checkpointAgeMs / 1000;
      this.#uncovered.bind([log]).value = uncovered;
    }
    return this.#families;
  }
}
