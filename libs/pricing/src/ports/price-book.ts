import type { PricedAttempt } from '#events/domain/attempt.js';
import type { Meters } from '#events/domain/meters.js';
import type { PicoText } from '#events/domain/money.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { PriceCeiling } from '../domain/price-ceiling.js';

export interface PriceQuestion {
  readonly provider: string;
  readonly model: string;
  /** Kind of the provider: `ark`, `openrouter`, …: catalogues are keyed by it where the name is free. */
  readonly providerKind: string;
  readonly tenantId: string;
  readonly atMs: number;
  readonly meters: Meters;
  /** As served; `null` = standard. */
  readonly serviceTier: string | null;
  readonly usageSource: 'none' | 'provider' | 'estimated' | 'upper_bound';
  readonly billed: 'yes' | 'no' | 'unknown';
  readonly providerCostPicoUsd: PicoText | null;
}

/** Prices usage. Pure given its records; integers only. */
export interface PriceBook {
  /** Never throws: an unknown model is `unpriced` with `costPicoUsd: null`, an unbilled attempt costs 0 (`exact`). */
  price(question: PriceQuestion): PricedAttempt;
  /**
   * Rates per million units for `/v1/models`, as decimal text; `null` when unpriced.
   * `currency` stands beside them when it is not USD.
   */
  rates(provider: string, providerKind: string, model: string, atMs: number): Readonly<Record<string, string>> | null;
  /**
   * The dearest rates for a token of text that any record has: what a model without a price costs at most, as far as
   * anybody knows.
   */
  ceiling(atMs: number): PriceCeiling;
  /**
   * Takes `price.published` of the control topic and ignores every other event. Idempotent. Published prices come
   * before the catalogue and after the operator's own files. Only records with the source `published` price anything;
   * those of another source stand in the log so that the receipts which name them can be recomputed, and are kept for
   * `recordText` alone.
   * @returns false when the record cannot be read or its hash is wrong; it then changes nothing.
   */
  apply(event: RouterEvent): boolean;
  /** The exact text behind a `priceHash` that this book has used or was given; `null` when it knows none. */
  recordText(priceHash: string): string | null;
  readonly recordCount: number;
}
