import type { AttemptStatus, Billed } from '#events/domain/attempt.js';
import { pass } from '#events/ports/failpoint.js';
import type { ProviderCall } from '#providers/ports/provider-adapter.js';
import type { AttemptFailure } from '../domain/attempt-failure.js';
import { chooseFinalError } from '../domain/final-error.js';
import { judgeHead } from '../domain/answer-head.js';
import { failureOfOurs, OWN_FAILURES, type OwnFailure } from '../domain/own-failure.js';
import type { ResponseHeaders, UpstreamHandler } from '../ports/upstream-transport.js';
import type { AnswerFault, AnswerListener, AnswerReader } from './answer-reader.js';
import type { AttemptCall } from './attempt-call.js';
import type { AttemptDeps } from './attempt-deps.js';
import type { AttemptEnd, AttemptOwner } from './attempt-end.js';
import { AttemptExchange } from './attempt-exchange.js';
import { AttemptPatience } from './attempt-patience.js';
import { AttemptTrace } from './attempt-trace.js';
import { RefusalText } from './refusal-text.js';
import { JsonRelay } from './relay-json.js';
import { StreamRelay } from './relay-stream.js';

/** One upstream call from its intent to its end. Tells its end exactly once. */
export class Attempt implements UpstreamHandler, AnswerListener {
  private readonly exchange: AttemptExchange;
  private readonly patience: AttemptPatience;
  private readonly trace: AttemptTrace;
  private reader: AnswerReader | null = null;
  private refusal: RefusalText | null = null;
  /** Bytes read after the client left; `null` while it is there. */
  private drainedBytes: number | null = null;
  private over = false;

  constructor(
    private readonly deps: AttemptDeps,
    private readonly call: AttemptCall,
    private readonly owner: AttemptOwner,
  ) {
    this.exchange = new AttemptExchange(deps);
    this.patience = new AttemptPatience(deps, call, this);
    this.trace = new AttemptTrace(deps.clock, call);
  }

  /** Records the intent, then sends. Without a promise from the recorder all of it happens at once. */
  start(): void {
    let recorded: Promise<void> | void;
    try {
      recorded = this.call.recorder.started(this.trace.intent());
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
    const readsOn = this.exchange.sent && this.refusal === null && !this.call.provider.adapter.cancels;
    if (!readsOn || !this.deps.drains.enter(this)) {
      this.abort();
      return;
    }
    this.drainedBytes = 0;
    this.reader?.detach();
    this.patience.forDrain();
    this.exchange.resume();
  }

  /** Ends the call at once, in every phase. */
  abort(): void {
    this.giveUp(this.exchange.sent ? 'unknown' : 'no', 'client_closed');
  }

  /** The same, because another attempt was faster. */
  lose(): void {
    this.giveUp(this.exchange.sent ? 'unknown' : 'no', null);
  }

  private giveUp(billed: Billed, errorCode: string | null): void {
    if (!this.over) this.finish({ kind: 'aborted', outcome: this.outcome('aborted', billed, errorCode) }, true);
  }

  private readonly send = (): void => {
    if (this.over) return;
    const { call, deps } = this;
    this.patience.begin();
    try {
      const { api, body, limits } = call.request;
      const upstream = call.provider.adapter.toUpstream({ api, body, model: call.model } as ProviderCall);
      this.exchange.begin(deps.transport.send(call.provider, call.credential, upstream, limits.connectTimeoutMs, this));
      if (this.over) this.exchange.abort();
    } catch (error) {
      this.crash(error);
    }
  };

  onHeaders(status: number, headers: ResponseHeaders): void {
    if (this.over) return;
    pass('upstream_answered');
    this.trace.httpStatus = status;
    this.trace.headers = headers;
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
      this.exchange.lateData(chunk);
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
      if (this.refusal !== null && !this.refusal.add(chunk)) this.refuse(this.trace.httpStatus, this.refusal.text);
    } catch (error) {
      this.crash(error);
    }
    return true;
  }

  onEnd(): void {
    this.exchange.end();
    if (this.over) return;
    try {
      if (this.reader !== null) this.reader.end();
      else this.refuse(this.trace.httpStatus, this.refusal?.text ?? '');
    } catch (error) {
      this.crash(error);
    }
  }

  onError(_error: Error, phase: 'connect' | 'headers' | 'body'): void {
    this.exchange.end();
    if (this.over) return;
    try {
      if (phase === 'connect') this.fail('connect');
      else if (phase === 'headers') this.fail('reset_before_headers');
      else if (this.reader?.endsWell() === true) this.completed(null);
      else if (this.refusal !== null) this.refuse(this.trace.httpStatus, this.refusal.text);
      else this.fail('reset_in_body');
    } catch (error) {
      this.crash(error);
    }
  }

  onLate(nowMs: number): void {
    if (this.over) return;
    const { waitingFor } = this.patience;
    try {
      if (waitingFor === 'reader' || waitingFor === 'drain') this.abort();
      else if (this.reader?.endsWell() === true) this.completed(null, true);
      else if (waitingFor === 'refusal') this.refuse(this.trace.httpStatus, this.refusal!.text);
      else this.fail(this.patience.failureAt(nowMs));
    } catch (error) {
      this.crash(error);
    }
  }

  // ---- what the reader tells

  committed(): void {
    if (this.drainedBytes !== null) return;
    this.owner.attemptCommitted(this.call.n);
    this.trace.firstContent();
    this.patience.forBody();
    const { call } = this;
    call.sink.streamStarted({ provider: call.provider.name, model: call.model, attempts: call.n });
  }

  progressed(): void {
    this.patience.progressed();
  }

  stalled(stalled: boolean): void {
    if (stalled) this.patience.forReader();
    else this.patience.forBody();
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
    else this.reader = new StreamRelay(call.sink, this, () => this.exchange.resume());
    if (this.drainedBytes !== null) this.reader?.detach();
    else if (!request.streamed) this.patience.forBody();
  }

  private expectRefusal(): void {
    if (this.drainedBytes !== null) {
      this.abort();
      return;
    }
    this.refusal = new RefusalText();
    this.patience.forRefusal();
  }

  private refuse(status: number, bodyText: string): void {
    // A whole JSON answer to a call for a stream is no refusal and no stream either.
    if (status < 300 && !bodyText.includes('"error"')) {
      this.fail('bad_response');
      return;
    }
    const refusal = { status, headers: this.trace.headers, bodyText };
    const failure = this.call.provider.adapter.classify(refusal, this.deps.clock.nowMs());
    this.end(failure, 'error');
  }

  private fail(own: OwnFailure): void {
    const { committed } = this.trace;
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
    const { committed } = this.trace;
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
    return this.trace.outcome(this.reader?.facts ?? null, status, billed, errorCode, whole);
  }

  private finish(end: AttemptEnd, abort = false): void {
    if (this.over) return;
    this.over = true;
    this.patience.end();
    if (this.drainedBytes !== null) this.deps.drains.leave(this);
    this.exchange.release(abort);
    this.owner.attemptEnded(this.call.n, end);
  }
}
