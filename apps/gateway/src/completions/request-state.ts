import type { RoutePlan } from '#routing/domain/route-plan.js';
import type { CacheKey, CacheQuestion, EmbeddedQuestion } from '#semantic-cache/ports/semantic-cache.js';
import type { Flight } from '#semantic-cache/ports/single-flight.js';
import type { RecordingClient } from '../idempotency/recording-client.js';
import type { AnswerClient } from './answer-client.js';
import type { CompletionParts } from './completion-parts.js';
import type { LiveAnswer } from './live-answer.js';
import type { RequestContext } from './request-context.js';
import type { RequestLedger } from './request-ledger.js';
import type { CacheHeader } from './response-headers.js';
import type { SharedAnswer } from './shared-answer.js';

/** What one request has gathered on its way; filled in step by step. */
export interface RequestState {
  readonly parts: CompletionParts;
  readonly context: RequestContext;
  client: AnswerClient;
  readonly ledger: RequestLedger;
  plan: RoutePlan | null;
  cacheHeader: CacheHeader;
  cacheKey: CacheKey | null;
  cacheQuestion: CacheQuestion | null;
  /** The question's vector, when a remote embedder was paid for it: goes with the answer. */
  embedded: EmbeddedQuestion | null;
  /** This request leads equal ones; to be ended once its answer is there, or will not be. */
  flight: Flight<SharedAnswer, LiveAnswer> | null;
  /** This request's stream, for equal ones to read along. */
  live: LiveAnswer | null;
  /** Takes down what the client gets, for a later request with the same `Idempotency-Key`. */
  recording: RecordingClient | null;
}
