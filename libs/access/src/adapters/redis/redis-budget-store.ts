import type { Redis } from 'ioredis';
import type { BudgetAnswer, BudgetAsk, BudgetStore } from '../../ports/budget-store.js';
import { HOLD_SCRIPT, RENEW_HOLDS_SCRIPT, SETTLE_SCRIPT } from './budget-scripts.js';
import { answered, closeRedis, connectRedis, createRedis } from './redis-connection.js';

/** Requests wait for it; without an answer the budget is counted in the process. */
const COMMAND_TIMEOUT_MS = 250;
const REMEMBER_MS = 15 * 60_000;
const PREFIX = 'nextmodel:budget:';

type Arguments = readonly (string | number)[];
interface Scripts {
  nextmodelHold(...args: Arguments): Promise<[number, string, string, string]>;
  nextmodelRenewHolds(...args: Arguments): Promise<number>;
  nextmodelSettle(...args: Arguments): Promise<number>;
}

/**
 * Holds in Redis or Valkey. One script per call, so that gateways cannot race one another.
 * Every call rejects with `store_unavailable` while the server is away; it reconnects by itself.
 */
export class RedisBudgetStore implements BudgetStore {
  readonly #redis: Redis & Scripts;

  constructor(url: string) {
    this.#redis = createRedis(url, COMMAND_TIMEOUT_MS) as Redis & Scripts;
    this.#redis.defineCommand('nextmodelHold', { numberOfKeys: 3, lua: HOLD_SCRIPT });
    this.#redis.defineCommand('nextmodelRenewHolds', { numberOfKeys: 3, lua: RENEW_HOLDS_SCRIPT });
    this.#redis.defineCommand('nextmodelSettle', { numberOfKeys: 3, lua: SETTLE_SCRIPT });
  }

  connect(): Promise<void> {
    return connectRedis(this.#redis);
  }

  async hold(account: string, holder: string, ask: BudgetAsk, nowMs: number): Promise<BudgetAnswer> {
    const { budgetPicoUsd, grossPicoUsd, creditPicoUsd, askedPicoUsd, leaseMs } = ask;
    const money = [askedPicoUsd, budgetPicoUsd, grossPicoUsd, creditPicoUsd].map(String);
    const [held, gross, credit, others] = await guarded(
      this.#redis.nextmodelHold(...keysOf(account), holder, ...money, leaseMs, nowMs, REMEMBER_MS),
    );
    return { held: held === 1, leftPicoUsd: budgetPicoUsd - BigInt(gross) + BigInt(credit) - BigInt(others) };
  }

  async renew(account: string, holders: readonly string[], leaseMs: number, nowMs: number): Promise<void> {
    await guarded(this.#redis.nextmodelRenewHolds(...keysOf(account), nowMs + leaseMs, REMEMBER_MS, ...holders));
  }

  async settle(account: string, holder: string, spentPicoUsd: bigint): Promise<void> {
    await guarded(this.#redis.nextmodelSettle(...keysOf(account), holder, String(spentPicoUsd)));
  }

  close(): Promise<void> {
    return closeRedis(this.#redis);
  }
}

/** The braces keep an account's keys on one node of a cluster. */
const keysOf = (account: string): string[] =>
  ['sums', 'holders', 'amounts'].map((part) => `${PREFIX}{${account}}:${part}`);

const guarded = <T>(call: Promise<T>): Promise<T> => answered(call, 'The store of budgets does not answer.');
