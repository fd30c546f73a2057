import {
  budgetExhausted,
  createBudgetHolds,
  createLimiter,
  createMemoryBudgetStore,
  createMemoryLimitStore,
  createSpendLedger,
  openRedisBudgetStore,
  openRedisLimitStore,
} from '#access/access.module.js';
import type { ApiKey } from '#access/ports/key-ring.js';
import { inputTokens, outputTokens } from '#events/domain/meters.js';
import { decimalToPico } from '#events/domain/money.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { Clock } from '#events/ports/clock.js';
import { pass } from '#events/ports/failpoint.js';
import { UsualConcurrency } from './usual-concurrency.js';

/** Limits and budgets of keys, from admission to receipt. */
export interface KeyLimits {
  /**
   * Synchronous for keys without limits.
   * @returns `x-ratelimit-*` headers. @throws RouterError `rate_limit_exceeded` or `insufficient_quota` (429).
   */
  admit(key: ApiKey, receiptId: string, bodyBytes: number): Promise<LimitHeaders> | LimitHeaders;
  /**
   * From now on receipts count as spent. Before the first key with a budget nobody asks for spend, and who counts from
   * here on replays all receipts, so there is nothing to remember of earlier ones. Idempotent.
   */
  countSpend(): void;
  /**
   * Holds what a request will probably cost, until `settled`; for a key that holds nothing else, at most what is left.
   * Synchronous without Redis. While Redis is away budgets hold per process.
   * @throws RouterError `insufficient_quota` (429) when nothing is left, or less than that beside other requests.
   */
  readonly hold: (key: ApiKey, receiptId: string, picoUsd: bigint) => Promise<void> | void;
  /** Frees what was taken; to be called with every receipt. */
  settled(receipt: Receipt): void;
  /** Spend that other processes have sealed. */
  applyEvent(event: RouterEvent): void;
  ping(): Promise<void>;
  close(): Promise<void>;
}
export type LimitHeaders = Readonly<Record<string, string>>;

const NONE: LimitHeaders = {};
const BYTES_PER_TOKEN = 4;
/** Thrice within a hold's lease. */
const RENEW_EVERY_MS = 20_000;

export interface KeyLimitOptions {
  /** `null` = counters in this process. */
  readonly redisUrl: string | null;
  /** Longest life of a request. */
  readonly leaseMs: number;
  /** Requests under way of a key that has no such limit of its own; in this process. */
  readonly concurrentMax: number;
  /** The operator's own key, which that does not hold for. */
  readonly exemptKeyId: string | null;
  /** What a receipt without a cost counts for budgets. */
  readonly unpricedPicoUsd: (receipt: Receipt) => bigint;
}

export async function createKeyLimits(options: KeyLimitOptions, clock: Clock): Promise<KeyLimits> {
  const { redisUrl, leaseMs, concurrentMax, exemptKeyId, unpricedPicoUsd } = options;
  const usual = new UsualConcurrency(concurrentMax);
  const fallback = createMemoryLimitStore();
  const store = redisUrl === null ? fallback : await openRedisLimitStore(redisUrl);
  const limiter = createLimiter({ store, fallback, leaseMs });
  const spend = createSpendLedger(unpricedPicoUsd);
  const budgetFallback = createMemoryBudgetStore();
  const budgets = redisUrl === null ? budgetFallback : await openRedisBudgetStore(redisUrl);
  // A budget ends with what was spent, not with what one request might cost: alone, it may use up the rest.
  const holds = createBudgetHolds({ store: budgets, fallback: budgetFallback, ledger: spend });
  const renewing = setInterval(() => holds.renew(clock.nowMs()), RENEW_EVERY_MS);
  renewing.unref();
  let counting = false;
  const admitted = new Map<string, (tokensUsed: number, nowMs: number) => void>();
  return {
    admit(key, receiptId, bodyBytes) {
      const nowMs = clock.nowMs();
      if (key.budgetUsd !== null) refuseSpent(key, spend.spent(key.keyId).picoUsd);
      pass('budget_reserved');
      if (key.limits.concurrent === undefined && key.keyId !== exemptKeyId) usual.enter(key.keyId, receiptId);
      const admission = limiter.admit(key, receiptId, Math.ceil(bodyBytes / BYTES_PER_TOKEN), nowMs);
      if (!(admission instanceof Promise)) return NONE;
      return admission.then(({ headers, done }) => {
        admitted.set(receiptId, done);
        return headers;
      });
    },
    countSpend() {
      counting = true;
    },
    hold: (key, receiptId, picoUsd) => holds.hold(key, receiptId, picoUsd, clock.nowMs()),
    settled(receipt) {
      usual.leave(receipt.receiptId);
      if (counting) spend.apply(receipt);
      holds.settle(receipt.receiptId, BigInt(receipt.costPicoUsd ?? unpricedPicoUsd(receipt)));
      const done = admitted.get(receipt.receiptId);
      if (done === undefined) return;
      admitted.delete(receipt.receiptId);
      done(inputTokens(receipt.meters) + outputTokens(receipt.meters), clock.nowMs());
    },
    applyEvent: (event) => spend.applyEvent(event),
    ping: () => store.ping(),
    async close() {
      clearInterval(renewing);
      await Promise.all([store.close(), budgets.close()]);
    },
  };
}

/** Before anything else is done: a key whose budget is spent for good gets no further. */
function refuseSpent(key: ApiKey, spentPicoUsd: bigint): void {
  const budget = decimalToPico(key.budgetUsd ?? '');
  if (budget !== null && spentPicoUsd >= budget) throw budgetExhausted(key, budget - spentPicoUsd);
}
