import { servedAttempt, type AttemptLine, type PricedAttempt } from '#events/domain/attempt.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { DecidedAgain } from './decide-again.js';

/** Requests that went one way and would have gone another, or the same. Money in picodollars. */
export interface MoveRow {
  readonly from: string;
  readonly to: string;
  requests: number;
  recorded: bigint;
  counterfactual: bigint;
  /** Have no price on one of the two sides, and are in neither sum. */
  unpriced: number;
}

/** Prices the usage of an attempt at a target; `null` = no price is known. */
export type PriceAt = (receipt: Receipt, attempt: AttemptLine, provider: string, model: string) => PricedAttempt;

/** Adds up what receipts have cost and what they would have. */
export class Tally {
  readonly rows = new Map<string, MoveRow>();
  /** Why requests are not in the comparison. */
  readonly left = new Map<string, number>();

  constructor(private readonly priceAt: PriceAt) {}

  add(receipt: Receipt, again: DecidedAgain): void {
    const served = servedAttempt(receipt.attempts);
    if (receipt.cache.result === 'exact' || receipt.cache.result === 'semantic') return this.#leave('cache hits');
    if (served === undefined) return this.#leave('not served');
    if (again.kind === 'unknown') {
      return this.#leave(again.because === 'prompt' ? 'needs the prompt, which is not recorded' : 'decision not kept');
    }
    if (again.kind === 'refused') return this.#leave(`would be refused: ${again.code}`);
    const { provider, model } = again.target;
    const stays = provider === served.provider && model === served.model;
    const now = this.priceAt(receipt, served, provider, model);
    // Attempts that failed on the way stay where the target does; elsewhere nothing is known of failures.
    const failed = stays ? BigInt(receipt.costPicoUsd ?? '0') - BigInt(served.costPicoUsd ?? '0') : 0n;
    const row = this.#row(`${served.provider}/${served.model}`, `${provider}/${model}`);
    row.requests += 1;
    if (receipt.costPicoUsd === null || now.costPicoUsd === null) {
      row.unpriced += 1;
      return undefined;
    }
    row.recorded += BigInt(receipt.costPicoUsd);
    row.counterfactual += BigInt(now.costPicoUsd) + failed;
  }

  #leave(why: string): void {
    this.left.set(why, (this.left.get(why) ?? 0) + 1);
  }

  #row(from: string, to: string): MoveRow {
    const key = JSON.stringify([from, to]);
    let row = this.rows.get(key);
    if (row === undefined) {
      row = { from, to, requests: 0, recorded: 0n, counterfactual: 0n, unpriced: 0 };
      this.rows.set(key, row);
    }
    return row;
  }
}
