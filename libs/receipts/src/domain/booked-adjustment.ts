import type { ReceiptAdjusted } from '#events/domain/router-event.js';

/** A correction with the time that decides in which month it stands. */
export interface BookedAdjustment extends ReceiptAdjusted {
  /** ISO 8601, UTC, milliseconds. */
  readonly bookedAt: string;
}

/**
 * When a correction came into the log: as its writer's clock said, or on older events as they claim themselves, but never
 * before a receipt that stands before it in the log was sealed. So a month that is over stays as it is, whatever time a
 * later correction claims.
 * @param sealedBeforeMs of the latest receipt before it in its partition; 0 = there is none.
 */
export function bookedAt({ adjustedAt, bookedAt: written }: ReceiptAdjusted, sealedBeforeMs: number): string {
  const claimedMs = Date.parse(written ?? adjustedAt);
  return new Date(Math.max(Number.isNaN(claimedMs) ? 0 : claimedMs, sealedBeforeMs)).toISOString();
}
