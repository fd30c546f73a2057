import type { CacheContent } from '#semantic-cache/ports/semantic-cache.js';

/** The answer of an equal request of this very moment, with the receipt that paid for it. */
export interface SharedAnswer {
  readonly content: CacheContent;
  readonly receiptId: string;
  /** Wall clock when the answer was complete. */
  readonly madeMs: number;
}

/** Longest wait for an equal request; then a request goes upstream by itself. */
export const FLIGHT_WAIT_MS = 30_000;
