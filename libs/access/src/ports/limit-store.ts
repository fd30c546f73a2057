/** Counters of one key's limits, shared between gateways. */
export interface LimitStore {
  /**
   * Takes `cost` units out of a bucket of `limit` units that refills evenly over `windowMs`. All or nothing.
   * A cost of 0 only looks.
   * @returns what is left, and after how many milliseconds the same call may succeed when it was refused
   *   (`windowMs` when it asks for more than the bucket can ever hold).
   */
  take(bucket: string, cost: number, limit: number, windowMs: number, nowMs: number): Promise<LimitTaken> | LimitTaken;
  /**
   * Corrects an estimate: takes `cost` units whether they are there or not (the bucket may go below zero), or gives
   * them back when negative (never above `limit`).
   */
  charge(bucket: string, cost: number, limit: number, windowMs: number, nowMs: number): Promise<void> | void;
  /**
   * Takes one of `limit` places at once. A place that is never left is free again after `leaseMs`.
   * @param holder unique among the holders of this bucket.
   */
  enter(bucket: string, holder: string, limit: number, leaseMs: number, nowMs: number): Promise<boolean> | boolean;
  /** Idempotent. */
  leave(bucket: string, holder: string): Promise<void> | void;
  ping(): Promise<void>;
  close(): Promise<void>;
}
export interface LimitTaken {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfterMs: number;
}
