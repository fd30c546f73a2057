import type { Meter, Meters } from './meters.js';
import type { PicoText } from './money.js';

export type AttemptKind = 'primary' | 'retry' | 'fallback' | 'hedge' | 'embedding' | 'judge' | 'shadow';
export type AttemptStatus = 'ok' | 'error' | 'timeout' | 'aborted' | 'unknown';
export type Billed = 'yes' | 'no' | 'unknown';
export type UsageSource = 'none' | 'provider' | 'estimated' | 'upper_bound';
export type CostStatus = 'exact' | 'provider_reported' | 'estimated' | 'unpriced' | 'free';

/** One priced meter of one attempt. `amount = quantity × rate`, in 10^-12 of the price's currency. */
export interface MeterLine {
  readonly meter: Meter;
  readonly quantity: number;
  readonly ratePico: PicoText;
  readonly amountPico: PicoText;
}

/** What a price record made of one attempt's meters. */
export interface PricedAttempt {
  readonly costStatus: CostStatus;
  readonly lines: readonly MeterLine[];
  /** `null` where no price is known: never zero. */
  readonly costPicoUsd: PicoText | null;
  readonly priceId: string | null;
  readonly priceHash: string | null;
  /** ISO 4217 of the price record; lines and `costNativePico` are in it. */
  readonly currency: string;
  readonly costNativePico: PicoText | null;
  /** US dollars for one unit of `currency`, in 10^-9; 1000000000 for USD. */
  readonly fxRateNano: string;
  /** Day of that rate, `YYYY-MM-DD`; `null` for USD. */
  readonly fxDate: string | null;
}

/** One upstream call as it stands on the receipt. */
export interface AttemptLine extends PricedAttempt {
  /** From 1, in the order of starting. */
  readonly n: number;
  readonly kind: AttemptKind;
  readonly provider: string;
  /** The name sent upstream. */
  readonly model: string;
  readonly credentialId: string;
  readonly providerRequestId: string | null;
  readonly serviceTier: string | null;
  readonly status: AttemptStatus;
  /** 0 when no status line came. */
  readonly httpStatus: number;
  /** A `RouterErrorCode`; `null` when it served. */
  readonly errorCode: string | null;
  /** Why the gateway left this attempt: `retry`, `next_target`, `client_closed`, …; `null` when it served. */
  readonly movedOn: string | null;
  /** ISO 8601 with milliseconds. */
  readonly startedAt: string;
  readonly latencyMs: number;
  /** Request sent until the first content byte; `null` when none came. */
  readonly timeToFirstTokenMs: number | null;
  readonly billed: Billed;
  /** What was used, priced or not. */
  readonly meters: Meters;
  readonly usageSource: UsageSource;
  readonly usageFlags: readonly string[];
  /** The provider's own usage block, untouched; `null` when it sent none. */
  readonly usageRaw: unknown;
  /** What the provider says it cost (OpenRouter's `usage.cost`), kept beside our own number. */
  readonly providerCostPicoUsd: PicoText | null;
}

/** Calls beside the answer: they help to decide or to compare, and never bring what the client gets. */
export const isAside = (kind: AttemptKind): boolean => kind === 'embedding' || kind === 'judge' || kind === 'shadow';

/** The attempt whose answer the client got; `undefined` for hits, refusals and failures. */
export function servedAttempt<T extends Pick<AttemptLine, 'kind' | 'status'>>(attempts: readonly T[]): T | undefined {
  return attempts.findLast(({ kind, status }) => status === 'ok' && !isAside(kind));
}
