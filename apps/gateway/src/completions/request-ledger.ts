import { isAside, servedAttempt, type AttemptLine } from '#events/domain/attempt.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { NewRecord } from '#events/domain/event-record.js';
import type { Receipt, ReceiptCache, ReceiptRoute, ReceiptStatus } from '#events/domain/receipt.js';
import type { AttemptStarted, ContentStored, RequestAccepted, ResponseCompleted } from '#events/domain/router-event.js';
import type { Clock } from '#events/ports/clock.js';
import { pass } from '#events/ports/failpoint.js';
import type { EventLogWriter } from '#event-log/ports/event-log.js';
import type { AttemptOutcome, AttemptRecorder, Obstacle } from '#dispatch/ports/dispatcher.js';
import type { PriceBook } from '#pricing/ports/price-book.js';
import type { ProviderRegistry } from '#providers/ports/provider-registry.js';
import { encodeReceipt } from '#receipts/domain/encode-receipt.js';
import { costStatus, sealReceipt, sumCost } from '#receipts/domain/seal-receipt.js';
import type { UsageCost } from '#openai-wire/domain/usage-view.js';
import { excludeTargets } from '#routing/domain/exclude-targets.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import { sumNative, toAttemptLine } from './attempt-line.js';
import type { CommitmentSalts, SaltKey } from '#semantic-cache/ports/content-cipher.js';
import { commitment } from './commitment.js';
import { readRetryCount, readSessionId, type RequestContext } from './request-context.js';

/** What every request's ledger shares. */
export interface LedgerParts {
  readonly log: EventLogWriter;
  readonly prices: PriceBook;
  readonly registry: ProviderRegistry;
  readonly clock: Clock;
  readonly environment: string;
  /** What the commitments of one request are salted with: a key of the person whom `user` names, or of the tenant. */
  readonly saltKey: (tenantId: string, user: string) => SaltKey;
  /** Pseudonym of the caller's `user` field within its tenant. */
  readonly pseudonym: (tenantId: string, user: string) => string;
  readonly onOpened: (receiptId: string) => void;
  /** An answer went into the log for the cache; its own process need not wait to read it back. */
  readonly onContent: (record: NewRecord) => void;
  /** @param text the receipt's JSON as it went into the log. */
  readonly onSealed: (receipt: Receipt, text: string) => void;
}

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

const NO_ROUTE: ReceiptRoute = { policyHash: '', rule: null, reason: 'not_routed', task: null, baselineModel: null };
export const NO_CACHE: ReceiptCache = {
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
    if (plan === null) return;
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
    const charged = this.#lines.filter((line) => line.billed !== 'no');
    const picoUsd = sumCost(charged);
    const last = charged.at(-1);
    // A sum in a foreign currency only stands while all its parts are in it.
    const native = charged.every((line) => line.currency === last?.currency) ? sumNative(charged) : null;
    return {
      costPicoUsd: picoUsd === null ? null : picoUsd.toString(),
      costStatus: costStatus(charged, picoUsd),
      currency: last?.currency ?? 'USD',
      costNativePico: native,
      avoidedPicoUsd: avoidedPicoUsd === null ? null : avoidedPicoUsd.toString(),
    };
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
      baselinePicoUsd: this.#baseline(),
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
    const plan = this.#plan;
    const body = context.body;
    const clientRetryCount = readRetryCount(context.headers('x-stainless-retry-count'));
    const sessionId = readSessionId(context.headers('x-nextmodel-session'));
    const user = userOf(body);
    const salts = this.#saltsOnce();
    const accepted: RequestAccepted = {
      receiptId: context.receiptId,
      tenantId: context.key.tenantId,
      projectId: context.key.projectId,
      apiKeyId: context.key.keyId,
      userId: user === '' ? '' : parts.pseudonym(context.key.tenantId, user),
      traceId: context.traceId,
      environment: parts.environment,
      tags: context.tags,
      acceptedAt: new Date(context.acceptedMs).toISOString(),
      api: context.api,
      streamed: body?.['stream'] === true,
      ...(clientRetryCount === null ? {} : { clientRetryCount }),
      ...(sessionId === null ? {} : { sessionId }),
      requestedModel: body?.model ?? '',
      saltKeyId: salts.keyId,
      requestCommitment: commitment(salts.request, context.rawBody),
      cache: this.#cache,
      route:
        plan === null
          ? NO_ROUTE
          : {
              policyHash: plan.policyHash,
              rule: plan.rule,
              reason: plan.reason,
              task: plan.task,
              baselineModel: plan.baseline?.model ?? null,
            },
      decision: plan,
    };
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

  /** The answer's usage at the price of the model that `auto` would have used without looking. */
  #baseline(): bigint | null {
    const target = this.#plan?.baseline;
    const served = servedAttempt(this.#lines);
    if (target === undefined || served === undefined) return null;
    const { costPicoUsd } = this.parts.prices.price({
      provider: target.provider,
      providerKind: this.parts.registry.get(target.provider)?.adapter.kind ?? '',
      model: target.model,
      tenantId: this.context.key.tenantId,
      atMs: this.context.acceptedMs,
      meters: served.meters,
      serviceTier: null,
      usageSource: served.usageSource,
      billed: 'yes',
      providerCostPicoUsd: null,
    });
    return costPicoUsd === null ? null : BigInt(costPicoUsd);
  }

  #now(): string {
    return new Date(this.parts.clock.nowMs()).toISOString();
  }
}

function userOf(body: RequestContext['body']): string {
  const user = body?.['user'];
  return typeof user === 'string' ? user : '';
}
