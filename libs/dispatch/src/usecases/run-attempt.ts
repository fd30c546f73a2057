import type { AttemptStatus, Billed } from '#events/domain/attempt.js';
import { pass } from '#events/ports/failpoint.js';
import type { ProviderCall } from '#providers/ports/provider-adapter.js';
import type { AttemptFailure } from '../domain/attempt-failure.js';
import { chooseFinalError } from '../domain/final-error.js';
import { judgeHead } from '../domain/answer-head.js';
import { failureOfOurs, OWN_FAILURES, type OwnFailure } from '../domain/own-failure.js';
import type { ResponseHeaders, UpstreamCallHandle, UpstreamHandler } from '../ports/upstream-transport.js';
import type { AnswerFault, AnswerListener, AnswerReader } from './answer-reader.js';
import type { AttemptCall } from './attempt-call.js';
import type { AttemptDeps } from './attempt-deps.js';
import { describeAttempt, type AttemptEnd, type AttemptOwner } from './attempt-end.js';
import type { Deadline } from './attempt-timers.js';
import { ConnectionLinger } from './connection-linger.js';
import { RefusalText } from './refusal-text.js';
import { JsonRelay } from './relay-json.js';
import { StreamRelay } from './relay-stream.js';
import { TIMEOUT_OF, type WaitingFor } from './waiting-for.js';

/** An error body that does not come is done without. */
const REFUSAL_BODY_MS = 5_000;

/** One upstream call from its intent to its end. Tells its end exactly once. */
export class Attempt implements UpstreamHandler, Deadline, AnswerListener {
  dueMs = Number.POSITIVE_INFINITY;
  private handle: UpstreamCallHandle | null = null;
  private readonly startedMs: number;
  private readonly startedAt: string;
  private firstContentMs: number | null = null;
  private httpStatus = 0;
  private headers: ResponseHeaders = {};
  private reader: AnswerReader | null = null;
  private refusal: RefusalText | null = null;
  private waitingFor: WaitingFor = 'status';
  private linger: ConnectionLinger | null = null;
  /** The exchange is over on the wire; nothing is left to linger for. */
  private closed = false;
  /** Bytes read after the client left; `null` while it is there. */
  private drainedBytes: number | null = null;
  private over = false;

  constructor(
    private readonly deps: AttemptDeps,
    private readonly call: AttemptCall,
    private readonly owner: AttemptOwner,
  ) {
    this.startedMs = deps.clock.monotonicMs();
    this.startedAt = new Date(deps.clock.nowMs()).toISOString();
  }

  /** Records the intent, then sends. Without a promise from the recorder all of it happens at once. */
  start(): void {
    const { call } = this;
    let recorded: Promise<void> | void;
    try {
      recorded = call.recorder.started({
        receiptId: call.request.receiptId,
        n: call.n,
        kind: call.kind,
        provider: call.provider.name,
        model: call.model,
        credentialId: call.credential.id,
        startedAt: this.startedAt,
      });
    } catch (error) {
      this.finish({ kind: 'not_recorded', error });
      return;
    }
    if (recorded === undefined) this.send();
    else recorded.then(this.send, (error: unknown) => this.finish({ kind: 'not_recorded', error }));
  }

  /**
   * The client has gone. In every phase the call ends at once, unless its provider bills it all the same: then it is
   * read on within bounds, for its usage alone.
   */
  leave(): void {
    if (this.over || this.drainedBytes !== null) return;
    const { deps, handle } = this;
    const readsOn = handle !== null && this.refusal === null && !this.call.provider.adapter.cancels;
    if (!readsOn || !deps.drains.enter(this)) {
      this.abort();
      return;
    }
    this.drainedBytes = 0;
    this.reader?.detach();
    this.waitingFor = 'drain';
    this.wait(deps.clock.monotonicMs() + deps.drains.drainMs);
    handle.resume();
  }

  /** Ends the call at once, in every phase. */
  abort(): void {
    this.giveUp(this.handle === null ? 'no' : 'unknown', 'client_closed');
  }

  /** The same, because another attempt was faster. */
  lose(): void {
    this.giveUp(this.handle === null ? 'no' : 'unknown', null);
  }

  private giveUp(billed: Billed, errorCode: string | null): void {
    if (!this.over) this.finish({ kind: 'aborted', outcome: this.outcome('aborted', billed, errorCode) }, true);
  }

  private readonly send = (): void => {
    if (this.over) return;
    const { call, deps } = this;
    const { limits, streamed } = call.request;
    this.waitingFor = streamed ? 'first_content' : 'status';
    const waitMs = streamed ? limits.firstTokenTimeoutMs : limits.headersTimeoutMs;
    this.wait(deps.clock.monotonicMs() + waitMs);
    try {
      const { api, body } = call.request;
      const upstream = call.provider.adapter.toUpstream({ api, body, model: call.model } as ProviderCall);
      const handle = deps.transport.send(call.provider, call.credential, upstream, limits.connectTimeoutMs, this);
      this.handle = handle;
      if (this.over) handle.abort();
    } catch (error) {
      this.crash(error);
    }
  };

  onHeaders(status: number, headers: ResponseHeaders): void {
    if (this.over) return;
    pass('upstream_answered');
    this.httpStatus = status;
    this.headers = headers;
    try {
      this.judgeStatus(status, headers);
    } catch (error) {
      this.crash(error);
    }
  }

  private judgeStatus(status: number, headers: ResponseHeaders): void {
    const head = judgeHead(status, headers);
    if (head === 'redirect') this.fail('redirect');
    else if (head === 'encoded_answer') this.fail('bad_response');
    else if (head === 'answer') this.expectAnswer(String(headers['content-type'] ?? ''));
    else if (head === 'encoded_refusal') this.refuse(status, '');
    else this.expectRefusal();
  }

  onData(chunk: Uint8Array): boolean {
    if (this.over) {
      this.linger?.data(chunk);
      return true;
    }
    if (this.drainedBytes !== null) {
      this.drainedBytes += chunk.byteLength;
      if (this.deps.drains.tooMany(this.drainedBytes)) {
        this.abort();
        return true;
      }
    }
    try {
      if (this.reader !== null) return this.reader.data(chunk);
      if (this.refusal !== null && !this.refusal.add(chunk)) this.refuse(this.httpStatus, this.refusal.text);
    } catch (error) {
      this.crash(error);
    }
    return true;
  }

  onEnd(): void {
    this.closed = true;
    if (this.over) {
      this.linger?.ended();
      return;
    }
    try {
      if (this.reader !== null) this.reader.end();
      else this.refuse(this.httpStatus, this.refusal?.text ?? '');
    } catch (error) {
      this.crash(error);
    }
  }

  onError(_error: Error, phase: 'connect' | 'headers' | 'body'): void {
    this.closed = true;
    if (this.over) {
      this.linger?.ended();
      return;
    }
    try {
      if (phase === 'connect') this.fail('connect');
      else if (phase === 'headers') this.fail('reset_before_headers');
      else if (this.reader?.endsWell() === true) this.completed(null);
      else if (this.refusal !== null) this.refuse(this.httpStatus, this.refusal.text);
      else this.fail('reset_in_body');
    } catch (error) {
      this.crash(error);
    }
  }

  onDue(nowMs: number): void {
    if (this.over) return;
    try {
      if (this.waitingFor === 'reader' || this.waitingFor === 'drain') this.abort();
      else if (this.reader?.endsWell() === true) this.completed(null, true);
      else if (this.waitingFor === 'refusal') this.refuse(this.httpStatus, this.refusal!.text);
      else if (nowMs >= this.call.totalDueMs) this.fail('total_timeout');
      else this.fail(TIMEOUT_OF[this.waitingFor]);
    } catch (error) {
      this.crash(error);
    }
  }

  // ---- what the reader tells

  committed(): void {
    if (this.drainedBytes !== null) return;
    this.owner.attemptCommitted(this.call.n);
    this.firstContentMs = this.deps.clock.monotonicMs();
    const { call } = this;
    this.waitingFor = 'body';
    this.wait(this.firstContentMs + call.request.limits.idleTimeoutMs);
    call.sink.streamStarted({ provider: call.provider.name, model: call.model, attempts: call.n });
  }

  progressed(): void {
    if (this.waitingFor !== 'body') return;
    this.dueMs = Math.min(this.deps.clock.monotonicMs() + this.call.request.limits.idleTimeoutMs, this.call.totalDueMs);
  }

  stalled(stalled: boolean): void {
    this.waitingFor = stalled ? 'reader' : 'body';
    this.wait(
      this.deps.clock.monotonicMs() + (stalled ? this.deps.slowReaderMs : this.call.request.limits.idleTimeoutMs),
    );
  }

  completed(body: Uint8Array | null, abort = false): void {
    if (this.drainedBytes !== null) {
      this.finish({ kind: 'aborted', outcome: this.outcome('aborted', 'yes', 'client_closed', true) }, abort);
      return;
    }
    const outcome = this.outcome('ok', 'yes', null);
    // A stream that told its end is an answer; its connection may linger for a moment to be used again.
    this.finish({ kind: 'answered', outcome, body }, abort);
  }

  broken(fault: AnswerFault): void {
    if (fault.own === null) this.refuse(200, fault.refusalText);
    else this.fail(fault.own);
  }

  // ---- how it ends

  private expectAnswer(contentType: string): void {
    const { call } = this;
    const { request } = call;
    if (!request.streamed) this.reader = new JsonRelay(request.api, this);
    else if (contentType.includes('json') || contentType.includes('html')) this.expectRefusal();
    else this.reader = new StreamRelay(call.sink, this, () => this.handle?.resume());
    if (this.drainedBytes !== null) this.reader?.detach();
    else if (!request.streamed) {
      this.waitingFor = 'body';
      this.wait(this.deps.clock.monotonicMs() + request.limits.idleTimeoutMs);
    }
  }

  private expectRefusal(): void {
    if (this.drainedBytes !== null) {
      this.abort();
      return;
    }
    this.refusal = new RefusalText();
    this.waitingFor = 'refusal';
    this.wait(this.deps.clock.monotonicMs() + REFUSAL_BODY_MS);
  }

  private refuse(status: number, bodyText: string): void {
    // A whole JSON answer to a call for a stream is no refusal and no stream either.
    if (status < 300 && !bodyText.includes('"error"')) {
      this.fail('bad_response');
      return;
    }
    const { call, headers } = this;
    const failure = call.provider.adapter.classify({ status, headers, bodyText }, this.deps.clock.nowMs());
    this.end(failure, 'error');
  }

  private fail(own: OwnFailure): void {
    const committed = this.firstContentMs !== null;
    const failure = OWN_FAILURES[own];
    this.end(
      committed && failure.code === 'upstream_bad_response' ? OWN_FAILURES.truncated : failure,
      failure.code === 'upstream_timeout' ? 'timeout' : 'error',
    );
  }

  private end(failure: AttemptFailure, status: AttemptStatus): void {
    if (this.drainedBytes !== null) {
      this.giveUp(failure.billed, 'client_closed');
      return;
    }
    const committed = this.firstContentMs !== null;
    const outcome = this.outcome(status, committed ? 'unknown' : failure.billed, failure.code);
    this.finish({ kind: committed ? 'truncated' : 'failed', outcome, failure }, true);
  }

  /** Something of ours threw: the call ends, nothing is retried. */
  private crash(error: unknown): void {
    if (this.over) return;
    try {
      this.end(failureOfOurs(error), 'error');
    } catch {
      // Not even its outcome can be described.
      this.finish({ kind: 'not_recorded', error: chooseFinalError([failureOfOurs(error)]) }, true);
    }
  }

  private outcome(status: AttemptStatus, billed: Billed, errorCode: string | null, whole = status === 'ok') {
    const { firstContentMs, startedMs } = this;
    const measures = {
      startedAt: this.startedAt,
      latencyMs: Math.round(this.deps.clock.monotonicMs() - startedMs),
      timeToFirstTokenMs: firstContentMs === null ? null : Math.round(firstContentMs - startedMs),
      httpStatus: this.httpStatus,
      headers: this.headers,
    };
    return describeAttempt(this.call, measures, this.reader?.facts ?? null, status, billed, errorCode, whole);
  }

  private finish(end: AttemptEnd, abort = false): void {
    if (this.over) return;
    this.over = true;
    this.deps.timers.clear(this);
    if (this.drainedBytes !== null) this.deps.drains.leave(this);
    if (!this.closed && this.handle !== null) {
      if (abort) this.handle.abort();
      else this.linger = new ConnectionLinger(this.deps.timers, this.handle, this.deps.clock.monotonicMs());
    }
    this.owner.attemptEnded(this.call.n, end);
  }

  private wait(dueMs: number): void {
    this.deps.timers.set(this, Math.min(dueMs, this.call.totalDueMs));
  }
}
