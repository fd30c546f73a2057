import type { OwnFailure } from '../domain/own-failure.js';
import type { AttemptCall } from './attempt-call.js';
import type { AttemptDeps } from './attempt-deps.js';
import type { Deadline } from './attempt-timers.js';

/** What an attempt waits for; `drain`: for nobody but the receipt. */
export type WaitingFor = 'status' | 'first_content' | 'body' | 'refusal' | 'reader' | 'drain';

/** An error body that does not come is done without. */
const REFUSAL_BODY_MS = 5_000;

/** Who is told that the time is over. */
interface Waiter {
  onLate(nowMs: number): void;
}

/** What one attempt waits for and until when, never longer than its request may take. */
export class AttemptPatience implements Deadline {
  dueMs = Number.POSITIVE_INFINITY;
  waitingFor: WaitingFor = 'status';

  constructor(
    private readonly deps: AttemptDeps,
    private readonly call: AttemptCall,
    private readonly waiter: Waiter,
  ) {}

  onDue(nowMs: number): void {
    this.waiter.onLate(nowMs);
  }

  /** The request goes out: a whole answer is waited for by its status line, a stream by its first content. */
  begin(): void {
    const { limits, streamed } = this.call.request;
    if (streamed) this.wait('first_content', limits.firstTokenTimeoutMs);
    else this.wait('status', limits.headersTimeoutMs);
  }

  forBody(): void {
    this.wait('body', this.call.request.limits.idleTimeoutMs);
  }

  forRefusal(): void {
    this.wait('refusal', REFUSAL_BODY_MS);
  }

  /** The client takes nothing of what is there. */
  forReader(): void {
    this.wait('reader', this.deps.slowReaderMs);
  }

  forDrain(): void {
    this.wait('drain', this.deps.drains.drainMs);
  }

  /** Content came. A deadline that moves later needs no timer. */
  progressed(): void {
    if (this.waitingFor !== 'body') return;
    const idleMs = this.call.request.limits.idleTimeoutMs;
    this.dueMs = Math.min(this.deps.clock.monotonicMs() + idleMs, this.call.totalDueMs);
  }

  /** What it means that the time is over, unless it was the client's or the receipt's. */
  failureAt(nowMs: number): OwnFailure {
    if (nowMs >= this.call.totalDueMs) return 'total_timeout';
    if (this.waitingFor === 'status') return 'headers_timeout';
    return this.waitingFor === 'first_content' ? 'first_token_timeout' : 'body_timeout';
  }

  end(): void {
    this.deps.timers.clear(this);
  }

  private wait(waitingFor: WaitingFor, waitMs: number): void {
    this.waitingFor = waitingFor;
    this.deps.timers.set(this, Math.min(this.deps.clock.monotonicMs() + waitMs, this.call.totalDueMs));
  }
}
