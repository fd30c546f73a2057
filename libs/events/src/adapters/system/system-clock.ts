import * as crypto from 'node:crypto';
import type { ReceiptId } from '../../domain/ids.js';
import type { Clock } from '../../ports/clock.js';

const randomUuidV7 = (crypto as unknown as { randomUUIDv7(): string }).randomUUIDv7;

export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  newReceiptId(): ReceiptId {
    return randomUuidV7() as ReceiptId;
  }

  randomHex(byteCount: number): string {
    return crypto.randomBytes(byteCount).toString('hex');
  }
}
