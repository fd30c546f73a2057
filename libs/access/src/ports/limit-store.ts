/** Counters of one key's limits, shared between gateways. */
export interface LimitStore {
  /**
   * Takes `cost` units out of a bucket of `limit` units that refills evenly over `windowMs`.
   * @returns what is left, and after how many milliseconds the same call may succeed when it was refused.
   */
  take(bucket: string, cost: number, limit: number, windowMs: number, nowMs: number): Promise<LimitTaken> | LimitTaken;
  ping(): Promise<void>;
  close(): Promise<void>;
}
export interface LimitTaken {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfterMs: number;
}
export const LIMIT_STORE = Symbol('LimitStore');
