/**
 * What running requests hold of the budgets of their keys, shared between gateways. Money is integer picodollars.
 *
 * What was spent for good is a replay of the receipts, which every gateway has for itself and which comes late from the
 * others. So the store keeps the sum of what was settled here too, takes the larger of both, and forgets it after
 * fifteen minutes without a call: by then the replay has it all.
 */
export interface BudgetStore {
  /**
   * Holds a part of a budget until `settle`, or until the lease ends. A holder that is alone is given what is left when
   * that is less than it asks for; beside others it is then refused. The same holder again replaces its hold.
   * @param account the key whose budget it is. @param holder unique among the holders of this account.
   */
  hold(account: string, holder: string, ask: BudgetAsk, nowMs: number): Promise<BudgetAnswer> | BudgetAnswer;
  /** Lengthens the leases of those of these holders that still hold something. */
  renew(account: string, holders: readonly string[], leaseMs: number, nowMs: number): Promise<void> | void;
  /** Puts what was spent in the place of what was held. Nothing happens for a holder that holds nothing: idempotent. */
  settle(account: string, holder: string, spentPicoUsd: bigint): Promise<void> | void;
  close(): Promise<void>;
}

export interface BudgetAsk {
  readonly budgetPicoUsd: bigint;
  /** All receipts that the caller knows, and corrections upwards; never falls. */
  readonly grossPicoUsd: bigint;
  /** Corrections downwards that the caller knows; never falls. */
  readonly creditPicoUsd: bigint;
  /** What the request will probably cost; 0 when nobody knows. */
  readonly askedPicoUsd: bigint;
  readonly leaseMs: number;
}

export interface BudgetAnswer {
  readonly held: boolean;
  /** What was left for the caller before it held anything; zero or less: the budget is used up. */
  readonly leftPicoUsd: bigint;
}
