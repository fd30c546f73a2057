import type { ReceiptId } from '#events/domain/ids.js';
import type { Clock } from '#events/ports/clock.js';

/** Real time for tests that meet real sockets and timers. */
export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  newReceiptId: () => '01890000-0000-7000-8000-000000000002' as ReceiptId,
  randomHex: (byteCount) => 'a'.repeat(byteCount * 2),
};
