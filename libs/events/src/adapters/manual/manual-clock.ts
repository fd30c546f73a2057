import type { ReceiptId } from '../../domain/ids.js';
import type { Clock } from '../../ports/clock.js';

/** A clock that moves only when told to; ids count up. For tests. */
export class ManualClock implements Clock {
  #counter = 0;

  constructor(private wallMs = Date.UTC(2026, 0, 1)) {}

  advance(ms: number): void {
    this.wallMs += ms;
  }

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.wallMs;
  }

  newReceiptId(): ReceiptId {
    this.#counter += 1;
    const time = this.wallMs.toString(16).padStart(12, '0');
    const tail = this.#counter.toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}` as ReceiptId;
  }

  randomHex(byteCount: number): string {
    this.#counter += 1;
    return this.#counter
      .toString(16)
      .padStart(byteCount * 2, '0')
      .slice(0, byteCount * 2);
  }
}
