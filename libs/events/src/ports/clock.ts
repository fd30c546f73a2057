import type { ReceiptId } from '../domain/ids.js';

/** Time and identity, passed in everywhere so that tests can fix both. */
export interface Clock {
  /** Wall clock, whole milliseconds since 1970. */
  nowMs(): number;
  /** Monotonic milliseconds with fractions; for durations only. */
  monotonicMs(): number;
  /** A fresh UUIDv7, never the same twice, ordered by time. */
  newReceiptId(): ReceiptId;
  /** `byteCount` random bytes as lower-case hex. */
  randomHex(byteCount: number): string;
}
