/** Bytes that are read on for one call whose client has left. */
const DRAIN_BYTES_MAX = 8 * 1024 * 1024;
/** Calls that are read on at a time; beyond them a call is aborted as if its provider stopped billing. */
const DRAINS_MAX = 64;

interface Drained {
  abort(): void;
}

/**
 * Calls that are read on after their client left, because their provider bills them in any case: only so the receipt
 * knows the real usage. Bounded in time, bytes and number.
 */
export class UsageDrains {
  private readonly calls = new Set<Drained>();

  constructor(readonly drainMs: number) {}

  /** @returns false when this call is not to be read on. */
  enter(call: Drained): boolean {
    if (this.drainMs === 0 || this.calls.size >= DRAINS_MAX) return false;
    this.calls.add(call);
    return true;
  }

  leave(call: Drained): void {
    this.calls.delete(call);
  }

  tooMany(bytes: number): boolean {
    return bytes > DRAIN_BYTES_MAX;
  }

  endAll(): void {
    for (const call of this.calls) call.abort();
  }
}
