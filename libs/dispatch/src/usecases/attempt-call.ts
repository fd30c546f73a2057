import type { AttemptKind } from '#events/domain/attempt.js';
import type { Credential, Provider } from '#providers/ports/provider-registry.js';
import type { LaneCall } from '../domain/health-board.js';
import type { AnswerSink, AttemptRecorder, DispatchRequest } from '../ports/dispatcher.js';

/** One attempt, chosen and not yet made. */
export interface AttemptCall {
  readonly request: DispatchRequest;
  readonly sink: AnswerSink;
  readonly recorder: AttemptRecorder;
  readonly n: number;
  readonly kind: AttemptKind;
  readonly provider: Provider;
  readonly model: string;
  readonly credential: Credential;
  readonly lane: LaneCall;
  /** Monotonic milliseconds at which the whole request is over. */
  readonly totalDueMs: number;
}
