import type { AttemptLine } from '#events/domain/attempt.js';
import type { Meter } from '#events/domain/meters.js';
import type { Receipt } from '#events/domain/receipt.js';
import { BoundedNames } from '../../domain/bounded-names.js';
import {
  CellFamily,
  DistributionFamily,
  type Cell,
  type Distribution,
  type Family,
} from '../../domain/metric-families.js';

const MODELS_MAX = 200;
const PROVIDERS_MAX = 50;
const PICO = 1e12;
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const OVERHEAD_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** Cells of one provider and model. */
interface TargetCells {
  readonly outcomes: Map<string, Cell>;
  readonly tokens: Map<Meter, Cell>;
  readonly costs: Map<string, Cell>;
  readonly latency: Distribution;
  readonly firstToken: Distribution;
}

/** Everything that is counted from sealed receipts. */
export class ReceiptMetrics {
  readonly #requests = new CellFamily('nextmodel_requests_total', 'Requests by how they ended.', [
    'api',
    'status',
    'cache',
  ]);
  readonly #latency = new DistributionFamily(
    'nextmodel_request_duration_seconds',
    'Accepted until the last byte.',
    ['api', 'streamed'],
    SECONDS,
  );
  readonly #overhead = new DistributionFamily(
    'nextmodel_overhead_seconds',
    'Time spent in the gateway itself.',
    [],
    OVERHEAD_SECONDS,
  );
  readonly #attempts = new CellFamily('nextmodel_attempts_total', 'Upstream calls.', ['provider', 'model', 'outcome']);
  readonly #attemptLatency = new DistributionFamily(
    'nextmodel_attempt_duration_seconds',
    'One upstream call.',
    ['provider'],
    SECONDS,
  );
  readonly #firstToken = new DistributionFamily(
    'nextmodel_time_to_first_token_seconds',
    'Upstream request sent until its first content.',
    ['provider'],
    SECONDS,
  );
  readonly #tokens = new CellFamily('nextmodel_tokens_total', 'Units by meter.', ['provider', 'model', 'meter']);
  readonly #cost = new CellFamily(
    'nextmodel_cost_usd_total',
    'Cost of priced attempts in US dollars, as a float; SQL has it exactly.',
    ['provider', 'model', 'cost_status'],
  );
  readonly #unpriced = new CellFamily('nextmodel_unpriced_requests_total', 'Requests whose cost is not known.', []);
  readonly #avoided = new CellFamily('nextmodel_avoided_usd_total', 'What cache hits saved.', []);
  readonly #wasted = new CellFamily('nextmodel_wasted_usd_total', 'Cost that bought no answer.', []);

  readonly #overheadPart = this.#overhead.bind([]);
  readonly #unpricedCell = this.#unpriced.bind([]);
  readonly #avoidedCell = this.#avoided.bind([]);
  readonly #wastedCell = this.#wasted.bind([]);
  readonly #requestCells = new Map<string, { readonly count: Cell; readonly latency: Distribution }>();
  readonly #targets = new Map<string, TargetCells>();
  readonly #models = new BoundedNames(MODELS_MAX);
  readonly #providers = new BoundedNames(PROVIDERS_MAX);

  readonly families: readonly Family[] = [
    this.#requests,
    this.#latency,
    this.#overhead,
    this.#attempts,
    this.#attemptLatency,
    this.#firstToken,
    this.#tokens,
    this.#cost,
    this.#unpriced,
    this.#avoided,
    this.#wasted,
  ];

  add(receipt: Receipt): void {
    const { api, status, cache, streamed } = receipt;
    const key = `${api}\n${status}\n${cache.result}\n${streamed}`;
    let cells = this.#requestCells.get(key);
    if (cells === undefined) {
      const count = this.#requests.bind([api, status, cache.result]);
      cells = { count, latency: this.#latency.bind([api, String(streamed)]) };
      this.#requestCells.set(key, cells);
    }
    cells.count.value += 1;
    cells.latency.observe(receipt.latencyMs / 1000);
    this.#overheadPart.observe(receipt.overheadUs / 1e6);
    if (receipt.costPicoUsd === null) this.#unpricedCell.value += 1;
    if (receipt.avoidedPicoUsd !== '0') this.#avoidedCell.value += Number(receipt.avoidedPicoUsd) / PICO;
    if (receipt.wastedPicoUsd !== '0') this.#wastedCell.value += Number(receipt.wastedPicoUsd) / PICO;
    for (const attempt of receipt.attempts) this.addAttempt(attempt);
  }

  private addAttempt(attempt: AttemptLine): void {
    const cells = this.targetOf(attempt);
    const outcome = attempt.status === 'ok' ? 'ok' : (attempt.errorCode ?? attempt.status);
    const { provider, model } = this.namesOf(attempt);
    cellOf(cells.outcomes, outcome, () => this.#attempts.bind([provider, model, outcome])).value += 1;
    cells.latency.observe(attempt.latencyMs / 1000);
    if (attempt.timeToFirstTokenMs !== null) cells.firstToken.observe(attempt.timeToFirstTokenMs / 1000);
    for (const { meter, quantity } of attempt.lines) {
      cellOf(cells.tokens, meter, () => this.#tokens.bind([provider, model, meter])).value += quantity;
    }
    if (attempt.costPicoUsd === null || attempt.costPicoUsd === '0') return;
    const status = attempt.costStatus;
    const cost = cellOf(cells.costs, status, () => this.#cost.bind([provider, model, status]));
    cost.value += Number(attempt.costPicoUsd) / PICO;
  }

  /** A model that no provider has served yet may be any text that a client typed. */
  private namesOf({ provider, model, status }: AttemptLine): { readonly provider: string; readonly model: string } {
    const shown = status === 'ok' ? this.#models.admit(model) : this.#models.show(model);
    return { provider: this.#providers.admit(provider), model: shown };
  }

  private targetOf(attempt: AttemptLine): TargetCells {
    const { provider, model } = this.namesOf(attempt);
    const key = `${provider}\n${model}`;
    let cells = this.#targets.get(key);
    if (cells === undefined) {
      cells = {
        outcomes: new Map(),
        tokens: new Map(),
        costs: new Map(),
        latency: this.#attemptLatency.bind([provider]),
        firstToken: this.#firstToken.bind([provider]),
      };
      this.#targets.set(key, cells);
    }
    return cells;
  }
}

function cellOf<K>(cells: Map<K, Cell>, key: K, bind: () => Cell): Cell {
  let cell = cells.get(key);
  if (cell === undefined) cells.set(key, (cell = bind()));
  return cell;
}
