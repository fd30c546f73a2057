import { PlacesTaken } from '#access/domain/places-taken.js';
import { rateLimited } from '#access/domain/rate-limited.js';

const RETRY_AFTER_MS = 1_000;

/** Requests under way of each key in this process, for keys that have no limit of their own. Synchronous. */
export class UsualConcurrency {
  readonly #inside = new PlacesTaken();
  /** Receipt id → key. */
  readonly #holders = new Map<string, string>();

  constructor(private readonly max: number) {}

  /** @throws RouterError `rate_limit_exceeded` (429): nothing was taken. */
  enter(keyId: string, receiptId: string): void {
    if (!this.#inside.enter(keyId, this.max)) {
      throw rateLimited(`A key without a limit of its own may have ${this.max} requests at once.`, RETRY_AFTER_MS);
    }
    this.#holders.set(receiptId, keyId);
  }

  /** Idempotent, and harmless for a request that was not let in. */
  leave(receiptId: string): void {
    const keyId = this.#holders.get(receiptId);
    if (keyId === undefined) return;
    this.#holders.delete(receiptId);
    this.#inside.leave(keyId);
  }
}
