/** How much of a load may be extra calls. */
export interface RetryBudgetRule {
  /** Share of the requests within the window. */
  readonly share: number;
  /** Extra calls within the window that are always allowed. */
  readonly floor: number;
  readonly windowMs: number;
}

const BUCKETS = 10;

/** A fifth of the requests that started at a provider in the last ten seconds, with a floor of three a second. */
export const PROVIDER_BUDGET: RetryBudgetRule = { share: 0.2, floor: 30, windowMs: 10_000 };
/** A tenth of the requests of a virtual key in two minutes, with a floor of one a second: nobody spends all of it. */
export const KEY_BUDGET: RetryBudgetRule = { share: 0.1, floor: 120, windowMs: 120_000 };

/**
 * Limits extra calls: retries, failovers and hedges together stay below a share of the requests that started within a
 * sliding window, so that an outage is not multiplied. Times are monotonic milliseconds.
 */
export class RetryBudget {
  private readonly requests = new Uint32Array(BUCKETS);
  private readonly retries = new Uint32Array(BUCKETS);
  private readonly bucketMs: number;
  private bucket = 0;

  constructor(private readonly rule: RetryBudgetRule = PROVIDER_BUDGET) {
    this.bucketMs = rule.windowMs / BUCKETS;
  }

  request(nowMs: number): void {
    this.requests[this.slot(nowMs)]! += 1;
  }

  /** Is there one more extra call left? */
  allows(nowMs: number): boolean {
    this.slot(nowMs);
    let requests = 0;
    let retries = 0;
    for (let i = 0; i < BUCKETS; i += 1) {
      requests += this.requests[i]!;
      retries += this.retries[i]!;
    }
    return retries < Math.max(this.rule.floor, requests * this.rule.share);
  }

  /** Takes one extra call out of the budget. @returns false when it is used up; nothing is taken then. */
  takeRetry(nowMs: number): boolean {
    if (!this.allows(nowMs)) return false;
    this.retries[this.slot(nowMs)]! += 1;
    return true;
  }

  private slot(nowMs: number): number {
    const bucket = Math.floor(nowMs / this.bucketMs);
    for (let stale = Math.max(this.bucket + 1, bucket - BUCKETS + 1); stale <= bucket; stale += 1) {
      this.requests[stale % BUCKETS] = 0;
      this.retries[stale % BUCKETS] = 0;
    }
    this.bucket = Math.max(this.bucket, bucket);
    return this.bucket % BUCKETS;
  }
}

/** One budget for each provider, or for each virtual key. */
export class RetryBudgets {
  private readonly budgets = new Map<string, RetryBudget>();

  /** @param budgetsMax of the names that are known at a time; beyond it the first one starts anew. */
  constructor(
    private readonly rule: RetryBudgetRule = PROVIDER_BUDGET,
    private readonly budgetsMax = 10_000,
  ) {}

  of(name: string): RetryBudget {
    let budget = this.budgets.get(name);
    if (budget === undefined) {
      if (this.budgets.size >= this.budgetsMax) this.budgets.delete(this.budgets.keys().next().value!);
      budget = new RetryBudget(this.rule);
      this.budgets.set(name, budget);
    }
    return budget;
  }
}
