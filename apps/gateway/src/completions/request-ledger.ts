import { isAside, type AttemptLine } from '#events/domain/attempt.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Receipt, ReceiptCache, ReceiptStatus } from '#events/domain/receipt.js';
import type { AttemptStarted, ContentStored, RequestAccepted, ResponseCompleted } from '#events/domain/router-event.js';
import { pass } from '#events/ports/failpoint.js';
import type { AttemptOutcome, AttemptRecorder, Obstacle } from '#dispatch/ports/dispatcher.js';
import type { UsageCost } from '#openai-wire/domain/usage-view.js';
import { encodeReceipt } from '#receipts/domain/encode-receipt.js';
import { sealReceipt } from '#receipts/domain/seal-receipt.js';
import { excludeTargets } from '#routing/domain/exclude-targets.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import type { CommitmentSalts } from '#semantic-cache/ports/content-cipher.js';
import { acceptedRequest, userOf } from './accepted-request.js';
import { toAttemptLine } from './attempt-line.js';
import { attemptsCost, baselineCost } from './attempts-cost.js';
import type { LedgerParts } from './ledger-parts.js';
import type { RequestContext } from './request-context.js';

/** How a request ended, as its receipt says it. */
export interface Ending {
  readonly status: ReceiptStatus;
  readonly httpStatus: number;
  readonly errorCode: string | null;
  readonly finishReason: string | null;
  readonly streamComplete: boolean | null;
  readonly responseCommitment: string | null;
  readonly timeToFirstTokenMs: number | null;
  /** Time inside attempts; the rest of the latency is the gateway's own. */
  readonly upstreamMs: number;
  /** `null` = unknown: the answer that was served again had no price. */
  readonly avoidedPicoUsd: bigint | null;
  readonly content: ContentStored | null;
}

const NO_CACHE: ReceiptCache = {
  result: 'off',
  similarity: null,
  sourceReceiptId: null,
  ageSeconds: null,
  reason: null,
};

/**
 * Writes the facts of one request into the log, in the order that the promises need: intent before the call, receipt
 * before the answer's last byte. Two appends for the usual request: `accepted + started`, `finished + completed + sealed`.
 */
export class RequestLedger implements AttemptRecorder {
  readonly #queued: NewRecord[] = [];
  readonly #lines: AttemptLine[] = [];
  #accepted: RequestAccepted | null = null;
  #plan: RoutePlan | null = null;
  #cache: ReceiptCache = NO_CACHE;
  /** Calls beside the answer so far; the answer's own attempts are numbered after them. */
  #asides = 0;
  #asideMs = 0;
  #salts: CommitmentSalts | null = null;

  constructor(
    private readonly parts: LedgerParts,
    private readonly context: RequestContext,
  ) {}

  routed(plan: RoutePlan): void {
    this.#plan = plan;
  }

  cutOff(obstacles: readonly (Obstacle | null)[]): void {
    const plan = this.#plan;
    // What the event says was decided is said once.
    if (plan === null || this.#accepted !== null) return;
    const reasons = new Map(
      plan.targets.flatMap(({ provider, model }, index) => {
        const obstacle = obstacles[index] ?? null;
        return obstacle === null ? [] : [[`${provider}/${model}`, `excluded:${obstacle}`] as const];
      }),
    );
    this.#plan = excludeTargets(plan, ({ provider, model }) => reasons.get(`${provider}/${model}`));
  }

  cached(cache: ReceiptCache): void {
    this.#cache = cache;
  }

  started(event: AttemptStarted): Promise<void> {
    return this.#begin(this.#asides === 0 ? event : { ...event, n: event.n + this.#asides });
  }

  /**
   * The intent of a call beside the answer, before the answer's own attempts.
   * @returns its number, and what to await before a byte goes out.
   */
  asideStarted(aside: Omit<AttemptStarted, 'receiptId' | 'n'>): {
    readonly n: number;
    readonly written: Promise<void>;
  } {
    this.#asides += 1;
    // The event is made now, before dispatch has looked.
    const obstacles = this.#plan === null ? null : this.parts.obstacles(this.#plan.targets);
    if (obstacles !== null) this.cutOff(obstacles);
    const event = { receiptId: this.context.receiptId, n: this.#asides, ...aside };
    return { n: event.n, written: this.#begin(event) };
  }

  asideFinished(outcome: AttemptOutcome): void {
    this.#asideMs += outcome.latencyMs;
    this.#end(outcome);
  }

  #begin(event: AttemptStarted): Promise<void> {
    if (this.#accepted === null) this.#accept();
    const { receiptId } = this.context;
    this.#queued.push(
      encodeEvent('nextmodel.attempt.started.v1', `${receiptId}:${event.n}/started`, receiptId, event.startedAt, event),
    );
    pass('intent_before');
    // Synced while the provider works; its receipt's sync covers it when the provider is faster than that.
    const { written } = this.parts.log.append(this.#queued.splice(0), 'soon');
    pass('intent_queued');
    return written;
  }

  finished(outcome: AttemptOutcome): void {
    this.#end(this.#asides === 0 ? outcome : { ...outcome, n: outcome.n + this.#asides });
  }

  #end(outcome: AttemptOutcome): void {
    const { receiptId, key, acceptedMs } = this.context;
    const priced = this.parts.prices.price({
      provider: outcome.provider,
      providerKind: this.parts.registry.get(outcome.provider)?.adapter.kind ?? '',
      model: outcome.model,
      tenantId: key.tenantId,
      atMs: acceptedMs,
      meters: outcome.meters,
      serviceTier: outcome.serviceTier,
      usageSource: outcome.usageSource,
      billed: outcome.billed,
      providerCostPicoUsd: outcome.providerCostPicoUsd,
    });
    const line = toAttemptLine(outcome, priced);
    // The loser of a hedge may end before the attempt that started earlier.
    const at = this.#lines.findLastIndex((earlier) => earlier.n < line.n) + 1;
    this.#lines.splice(at, 0, line);
    this.#queued.push(
      encodeEvent('nextmodel.attempt.finished.v1', `${receiptId}:${outcome.n}/finished`, receiptId, this.#now(), {
        ...line,
        receiptId,
      }),
    );
  }

  /** Cost of all attempts so far. */
  cost(avoidedPicoUsd: bigint | null = null): UsageCost {
    return attemptsCost(this.#lines, avoidedPicoUsd);
  }

  /** Of the response's commitment, 16 bytes. */
  responseSalt(): Uint8Array {
    return this.#saltsOnce().response;
  }

  /** Calls for the answer. */
  get attemptCount(): number {
    return this.#asides === 0 ? this.#lines.length : this.#lines.filter(({ kind }) => !isAside(kind)).length;
  }

  get lines(): readonly AttemptLine[] {
    return this.#lines;
  }

  /** Makes and appends the receipt. `safe` settles when the answer's last byte may go out. */
  seal(ending: Ending): {
    readonly receipt: Receipt;
    readonly written: Promise<void>;
    readonly durable: Promise<void>;
  } {
    const accepted = this.#accepted ?? this.#accept();
    const { receiptId } = this.context;
    const now = this.#now();
    const latencyMs = this.parts.clock.monotonicMs() - this.context.startedMonotonicMs;
    const response: ResponseCompleted = {
      receiptId,
      status: ending.status,
      httpStatus: ending.httpStatus,
      finishReason: ending.finishReason,
      streamComplete: ending.streamComplete,
      latencyMs: Math.round(latencyMs),
      responseCommitment: ending.responseCommitment,
    };
    const whole = sealReceipt({
      // A call beside the answer makes the event before the cache has said what it found.
      accepted: this.#asides === 0 ? accepted : { ...accepted, cache: this.#cache },
      attempts: this.#lines,
      response,
      errorCode: ending.errorCode,
      sealedAt: now,
      timeToFirstTokenMs: ending.timeToFirstTokenMs === null ? null : Math.round(ending.timeToFirstTokenMs),
      overheadUs: Math.max(0, Math.round((latencyMs - ending.upstreamMs - this.#asideMs) * 1_000)),
      baselinePicoUsd: baselineCost(this.parts, this.context, this.#plan, this.#lines),
      avoidedPicoUsd: ending.avoidedPicoUsd,
    });
    const { receipt, record: sealed } = encodeReceipt(whole, now);
    this.#queued.push(
      encodeEvent('nextmodel.response.completed.v1', `${receiptId}/completed`, receiptId, now, response),
      sealed,
    );
    let content: NewRecord | null = null;
    if (ending.content !== null) {
      content = encodeEvent(
        'nextmodel.content.stored.v1',
        `${receiptId}/content`,
        ending.content.subject,
        now,
        ending.content,
      );
      this.#queued.push(content);
    }
    pass('receipt_before');
    const { written, durable } = this.parts.log.append(this.#queued.splice(0));
    pass('receipt_queued');
    if (content !== null) this.parts.onContent(content);
    this.parts.onSealed(receipt, sealed.value as string);
    return { receipt, written, durable };
  }

  #accept(): RequestAccepted {
    const { context, parts } = this;
    const accepted = acceptedRequest(parts, context, this.#saltsOnce(), this.#cache, this.#plan);
    this.#accepted = accepted;
    this.#queued.unshift(
      encodeEvent(
        'nextmodel.request.accepted.v1',
        `${context.receiptId}/accepted`,
        context.receiptId,
        accepted.acceptedAt,
        accepted,
      ),
    );
    parts.onOpened(context.receiptId);
    return accepted;
  }

  /** Both at once: an erasure may come between the commitments. */
  #saltsOnce(): CommitmentSalts {
    const { receiptId, key, body } = this.context;
    this.#salts ??= this.parts.saltKey(key.tenantId, userOf(body)).saltsOf(receiptId);
    return this.#salts;
  }

  #now(): string {
    return new Date(this.parts.clock.nowMs()).toISOString();
  }
}
