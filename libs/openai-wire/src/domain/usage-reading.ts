import type { Meters } from '#events/domain/meters.js';
import type { PicoText } from '#events/domain/money.js';

/** A provider's usage block as disjoint meters, with what looked wrong about it. */
export interface UsageReading {
  readonly meters: Meters;
  /** `negative_clamped`, `total_mismatch`, `details_exceed_total`, …; empty when all invariants hold. */
  readonly flags: readonly string[];
  /** The block as it came. */
  readonly raw: unknown;
  /** What the provider says it cost, when it says so. */
  readonly providerCostPicoUsd: PicoText | null;
}
