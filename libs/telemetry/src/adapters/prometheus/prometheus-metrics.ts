import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Receipt } from '#events/domain/receipt.js';
import { BoundedNames } from '../../domain/bounded-names.js';
import { CellFamily, DistributionFamily } from '../../domain/metric-families.js';
import type { Metrics, MetricsSnapshot } from '../../ports/metrics.js';
import { TransparencyMetrics } from './transparency-metrics.js';
import { ReceiptMetrics } from './receipt-metrics.js';
import { WarningMetrics } from './warning-metrics.js';

const BREAKERS_MAX = 500;
const GROUPS_MAX = 50;
const SYNC_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];
const BREAKER_VALUES = { closed: 0, half_open: 1, open: 2 } as const;

/** Our own counters, and the process's by prom-client (CPU, memory, event-loop lag, garbage collection). */
export class PrometheusMetrics implements Metrics {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #registry = new Registry();
  readonly #receipts = new ReceiptMetrics();
  readonly #appended = new CellFamily('nextmodel_log_appended_records_total', 'Records given to the log.', []);
  readonly #synced = new CellFamily('nextmodel_log_synced_records_total', 'Records safe on the device.', []);
  readonly #sync = new DistributionFamily('nextmodel_log_sync_seconds', 'One group commit.', [], SYNC_SECONDS);
  readonly #unsynced = new CellFamily('nextmodel_log_unsynced_records', 'Appended, not synced.', [], 'gauge');
  readonly #inFlight = new CellFamily('nextmodel_in_flight_requests', 'Requests under way.', [], 'gauge');
  readonly #refused = new CellFamily('nextmodel_refused_requests_total', 'Refused at the door.', ['reason']);
  readonly #open = new CellFamily('nextmodel_open_requests', 'Accepted, not sealed.', [], 'gauge');
  readonly #breakers = new CellFamily(
    'nextmodel_breaker_state',
    'Breaker of a target: 0 closed, 1 half open, 2 open.',
    ['target'],
    'gauge',
  );
  readonly #shipper = new CellFamily('nextmodel_shipper_lag_records', 'Records not in Kafka yet.', [], 'gauge');
  readonly #consumers = new CellFamily('nextmodel_consumer_lag_records', 'Records behind.', ['group'], 'gauge');
  readonly #warnings = new WarningMetrics();
  readonly #transparency = new TransparencyMetrics();
  readonly #groups = new BoundedNames(GROUPS_MAX);
  readonly #appendedCell = this.#appended.bind([]);
  readonly #syncedCell = this.#synced.bind([]);
  readonly #syncPart = this.#sync.bind([]);

  constructor() {
    collectDefaultMetrics({ register: this.#registry, prefix: 'nextmodel_' });
  }

  receiptSealed(receipt: Receipt): void {
    this.#receipts.add(receipt);
  }

  logAppended(records: number): void {
    this.#appendedCell.value += records;
  }

  logSynced(records: number, tookMs: number): void {
    this.#syncedCell.value += records;
    this.#syncPart.observe(tookMs / 1000);
  }

  async text(snapshot: MetricsSnapshot = {}): Promise<string> {
    this.#unsynced.bind([]).value = Math.max(0, this.#appendedCell.value - this.#syncedCell.value);
    this.#inFlight.bind([]).value = snapshot.inFlight ?? 0;
    for (const [reason, count] of Object.entries(snapshot.refusedAtDoor ?? {})) {
      this.#refused.bind([reason]).value = count;
    }
    this.#open.bind([]).value = snapshot.openRequests ?? 0;
    this.#shipper.bind([]).value = snapshot.shipperLagRecords ?? 0;
    this.#breakers.clear();
    for (const { target, state } of (snapshot.breakers ?? []).slice(0, BREAKERS_MAX)) {
      this.#breakers.bind([target]).value = BREAKER_VALUES[state];
    }
    for (const [group, lag] of Object.entries(snapshot.consumerLagRecords ?? {})) {
      this.#consumers.bind([this.#groups.admit(group)]).value = lag;
    }
    const own = [
      ...this.#receipts.families,
      this.#appended,
      this.#synced,
      this.#sync,
      this.#unsynced,
      this.#inFlight,
      this.#refused,
      this.#open,
      this.#breakers,
      this.#shipper,
      this.#consumers,
      ...this.#warnings.families(snapshot),
      ...this.#transparency.families(snapshot.transparency),
    ];
    return own.map((family) => family.expose()).join('') + (await this.#registry.metrics());
  }
}
