const WINDOW_MS = 60_000;
const FAILURES_ALLOWED = 10;
const ADDRESSES_KEPT = 4_096;

interface Failures {
  count: number;
  readonly endsAtMs: number;
}

/**
 * Counts wrong admin credentials by address: ten within a minute lock the address until that minute ends.
 * Memory is fixed: beyond 4,096 addresses the one that began first is forgotten.
 */
export class AdminLockout {
  readonly #failures = new Map<string, Failures>();

  /** @param nowMs a monotonic clock in milliseconds. */
  constructor(private readonly nowMs: () => number) {}

  /** @returns milliseconds until the address may try again; 0 when it may now. */
  waitMs(address: string): number {
    const failures = this.#failures.get(address);
    if (failures === undefined || failures.count < FAILURES_ALLOWED) return 0;
    return Math.max(0, failures.endsAtMs - this.nowMs());
  }

  /** One wrong credential from this address. */
  failed(address: string): void {
    const nowMs = this.nowMs();
    const failures = this.#failures.get(address);
    if (failures !== undefined && failures.endsAtMs > nowMs) {
      failures.count += 1;
      return;
    }
    this.#failures.delete(address);
    const oldest = this.#failures.size >= ADDRESSES_KEPT ? this.#failures.keys().next().value : undefined;
    if (oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(address, { count: 1, endsAtMs: nowMs + WINDOW_MS });
  }
}
