import type { RouterErrorCode } from '#events/domain/router-error.js';

/** What the engine needs to know of a failure. `FailureClass` of `providers` has this shape. */
export interface AttemptFailure {
  readonly code: RouterErrorCode;
  /** Try the same target once more (within budgets). */
  readonly retrySame: boolean;
  readonly nextTarget: 'yes' | 'no' | 'larger_context' | 'policy_fallback';
  readonly breaker: 'ignore' | 'failure' | 'throttle' | 'eject_credential';
  readonly billed: 'yes' | 'no' | 'unknown';
  readonly clientStatus: number;
  readonly clientType: string;
  /** Text for the client; cleaned of key-like parts once more before it is shown. */
  readonly publicMessage: string;
  readonly param: string | null;
  readonly retryAfterMs: number | null;
}
