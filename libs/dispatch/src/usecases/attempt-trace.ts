import type { AttemptStatus, Billed } from '#events/domain/attempt.js';
import type { AttemptStarted } from '#events/domain/router-event.js';
import type { Clock } from '#events/ports/clock.js';
import type { AttemptOutcome } from '../ports/dispatcher.js';
import type { ResponseHeaders } from '../ports/upstream-transport.js';
import type { AnswerFacts } from './answer-reader.js';
import type { AttemptCall } from './attempt-call.js';
import { describeAttempt } from './attempt-end.js';

/** What is seen of one attempt from its start; makes its intent and the record of its end. */
export class AttemptTrace {
  httpStatus = 0;
  headers: ResponseHeaders = {};
  private firstContentMs: number | null = null;
  private readonly startedMs: number;
  private readonly startedAt: string;

  constructor(
    private readonly clock: Clock,
    private readonly call: AttemptCall,
  ) {
    this.startedMs = clock.monotonicMs();
    this.startedAt = new Date(clock.nowMs()).toISOString();
  }

  /** Has content been given? */
  get committed(): boolean {
    return this.firstContentMs !== null;
  }

  firstContent(): void {
    this.firstContentMs = this.clock.monotonicMs();
  }

  intent(): AttemptStarted {
    const { request, n, kind, provider, model, credential } = this.call;
    return {
      receiptId: request.receiptId,
      n,
      kind,
      provider: provider.name,
      model,
      credentialId: credential.id,
      startedAt: this.startedAt,
    };
  }

  /** @param whole the answer was read to its end, whoever got it. */
  outcome(
    facts: AnswerFacts | null,
    status: AttemptStatus,
    billed: Billed,
    errorCode: string | null,
    whole = status === 'ok',
  ): AttemptOutcome {
    const { firstContentMs, startedMs } = this;
    const measures = {
      startedAt: this.startedAt,
      latencyMs: Math.round(this.clock.monotonicMs() - startedMs),
      timeToFirstTokenMs: firstContentMs === null ? null : Math.round(firstContentMs - startedMs),
      httpStatus: this.httpStatus,
      headers: this.headers,
    };
    return describeAttempt(this.call, measures, facts, status, billed, errorCode, whole);
  }
}
