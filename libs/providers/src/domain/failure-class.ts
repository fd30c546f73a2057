import type { RouterErrorCode } from '#events/domain/router-error.js';

/** An answer that is no success, as received. */
export interface UpstreamRefusal {
  /** 200 when a stream's first frame was an error. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** At most 64 KiB of it. Hostile text: never shown to a client, it may quote our key. */
  readonly bodyText: string;
}

/** What the attempt engine does about a failure; see `reference` table in docs/reliability.md. */
export interface FailureClass {
  readonly code: RouterErrorCode;
  /** Try the same target once more (within budgets). */
  readonly retrySame: boolean;
  /** Try the next target of the plan. */
  readonly nextTarget: 'yes' | 'no' | 'larger_context' | 'policy_fallback';
  /** What the breaker of (provider, model, credential) learns. */
  readonly breaker: 'ignore' | 'failure' | 'throttle' | 'eject_credential';
  /** Did the provider charge for it, as far as can be known? */
  readonly billed: 'yes' | 'no' | 'unknown';
  /** Status for the client if this was the last attempt. */
  readonly clientStatus: number;
  readonly clientType: string;
  /** Safe text for the client. */
  readonly publicMessage: string;
  readonly param: string | null;
  /** What the provider asked to wait; from seconds, milliseconds or an HTTP date. */
  readonly retryAfterMs: number | null;
}
