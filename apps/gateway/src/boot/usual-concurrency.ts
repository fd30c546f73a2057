import { RouterError } from '#events/domain/router-error.js';

/** Requests under way of each key in this process, for keys that have no limit of their own. Synchronous. */
export class UsualConcurrency {
  readonly #inside = new Map<string, number>();
  /** Receipt id → key. */
  readonly #holders = new Map<string, string>();

  constructor(private readonly max: number) {}

  /** @throws RouterError `rate_limit_exceeded` (429): nothing was taken. */
  enter(keyId: string, receiptId: string): void {
    const inside = this.#inside.get(keyId) ?? 0;
    if (inside >= this.max) {
      throw new RouterError({
        code: 'rate_limit_exceeded',
        publicMessage: `A key without a limit of its own may have ${this.max} requests at once.`,
        httpStatus: 429,
        type: 'rate_limit_error',
        retryable: true,
        retryAfterMs: 1_000,
      });
    }
    this.#inside.set(keyId, inside + 1);
    this.#holders.set(receiptId, keyId);
  }

  /** Idempotent, and harmless for a request that was not let in. */
  leave(receiptId: string): void {
    const keyId = this.#holders.get(receiptId);
    if (keyId === undefined) return;
    this.#holders.delete(receiptId);
    const left = (this.#inside.get(keyId) ?? 1) - 1;
    if (left <= 0) this.#inside.delete(keyId);
    else this.#inside.set(keyId, left);
  }
}
