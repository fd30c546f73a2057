const SHARE = 0.2;
const FLOOR_PER_SECOND = 3;
const WINDOW_SECONDS = 10;

/**
 * Limits the extra calls of one provider: retries and failovers together stay below a fifth of the requests that
 * started there in the last ten seconds, with a floor of three a second, so that an outage is not multiplied.
 */
export class RetryBudget {
  private readonly requests = new Uint32Array(WINDOW_SECONDS);
  private readonly retries = new Uint32Array(WINDOW_SECONDS);
  private second = 0;

  request(nowMs: number): void {
    this.requests[this.slot(nowMs)]! += 1;
  }

  /** Takes one extra call out of the budget. @returns false when it is used up; nothing is taken then. */
  takeRetry(nowMs: number): boolean {
    const slot = this.slot(nowMs);
    let requests = 0;
    let retries = 0;
    for (let i = 0; i < WINDOW_SECONDS; i += 1) {
      requests += this.requests[i]!;
      retries += this.retries[i]!;
    }
    if (retries >= Math.max(FLOOR_PER_SECOND * WINDOW_SECONDS, requests * SHARE)) return false;
    this.retries[slot]! += 1;
    return true;
  }

  private slot(nowMs: number): number {
    const second = Math.floor(nowMs / 1_000);
    for (let stale = Math.max(this.second + 1, second - WINDOW_SECONDS + 1); stale <= second; stale += 1) {
      this.requests[stale % WINDOW_SECONDS] = 0;
      this.retries[stale % WINDOW_SECONDS] = 0;
    }
    this.second = Math.max(this.second, second);
    return this.second % WINDOW_SECONDS;
  }
}

/** One budget for each provider. */
export class RetryBudgets {
  private readonly budgets = new Map<string, RetryBudget>();

  of(provider: string): RetryBudget {
    let budget = this.budgets.get(provider);
    if (budget === undefined) {
      budget = new RetryBudget();
      this.budgets.set(provider, budget);
    }
    return budget;
  }
}
