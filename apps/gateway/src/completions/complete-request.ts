import type { ReceiptCache, ReceiptStatus } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import type { DispatchResult } from '#dispatch/ports/dispatcher.js';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import type { CacheKey, CacheLookup, CacheQuestion } from '#semantic-cache/ports/semantic-cache.js';
import { answeredBefore } from '../idempotency/answered-before.js';
import type { AnswerClient } from './answer-client.js';
import { answerFromCache } from './answer-from-cache.js';
import { cacheStep } from './cache-step.js';
import { CompletionSink } from './completion-sink.js';
import type { CompletionParts } from './completion-parts.js';
import { EmbeddingLine } from './embedding-line.js';
import { finishAnswer } from './finish-answer.js';
import { followAnswer } from './follow-answer.js';
import { leadSignal } from './lead-signal.js';
import { LiveAnswer } from './live-answer.js';
import { applyCostLimit, attemptLimits, holdExpectedCost } from './request-limits.js';
import type { ModelPolicy } from './model-policies.js';
import { RequestLedger } from './request-ledger.js';
import type { RequestContext } from './request-context.js';
import { FLIGHT_WAIT_MS, type SharedAnswer } from './shared-answer.js';
import { responseHeaders } from './response-headers.js';
import type { RequestState } from './request-state.js';
import { routeQuestion } from './route-question.js';
import { toRouterError } from './to-router-error.js';

/**
 * Serves one request from check to receipt: route, look up, attempt, record. Never rejects; whatever goes wrong is
 * told to the client once and stands on a receipt.
 */
export async function completeRequest(
  parts: CompletionParts,
  context: RequestContext,
  client: AnswerClient,
): Promise<void> {
  const ledger = new RequestLedger(parts.ledger, context);
  const state: RequestState = {
    parts,
    context,
    client,
    ledger,
    plan: null,
    cacheHeader: 'DISABLED',
    cacheKey: null,
    cacheQuestion: null,
    embedded: null,
    flight: null,
    live: null,
    recording: null,
  };
  try {
    if (context.problem !== null || context.body === null) throw context.problem ?? missingBody();
    const named = context.headers('idempotency-key');
    if (named !== undefined && (await answeredBefore(state, named))) return;
    state.plan = parts.router.plan(routeQuestion(context));
    ledger.routed(state.plan);
    const policy = parts.models.of(state.plan.resolvedModel);
    const limits = attemptLimits(policy.limits, context);
    state.plan = applyCostLimit(state, state.plan, context.body);
    ledger.routed(state.plan);
    const served = context.api === 'chat.completions' && (await servedWithoutProvider(state));
    if (!served) await askProviders(state, { ...policy, limits });
  } catch (error) {
    await refuse(state, toRouterError(error));
  }
  if (state.recording !== null) await state.recording.settle();
}

/** Cache look-up, then the flight of an equal request. */
async function servedWithoutProvider(state: RequestState): Promise<boolean> {
  const { parts, context, ledger } = state;
  const step = cacheStep(parts, context, state.plan as RoutePlan);
  state.cacheHeader = step.header;
  ledger.cached(cacheOnReceipt(step.result, null, step.reason));
  if (step.key === null || step.question === null) {
    if (step.onlyIfCached) throw onlyIfCached();
    return false;
  }
  state.cacheKey = step.key;
  state.cacheQuestion = step.question;
  if (step.lookUp) {
    const line = embeddingLine(state, step.key);
    const found = await parts.cache.lookUp(step.question, step.key, line);
    line?.settle();
    if (found.kind === 'hit') return answerFromCache(state, found);
    ledger.cached(cacheOnReceipt('miss', found.similarity, found.reason));
    state.embedded = found.embedded ?? null;
    if (step.onlyIfCached) throw onlyIfCached();
    const wantsStream = step.question.body.stream === true;
    const part = await parts.flights.join(step.key.id, FLIGHT_WAIT_MS, state.client.gone, wantsStream);
    if (part.role === 'follow') return followAnswer(state, part.live);
    if (part.role === 'answer') {
      const ageMs = Math.max(0, context.acceptedMs - part.value.madeMs);
      // A flight is joined for a moment after its end; a caller may ask for an answer that is younger than that.
      const ageMsMax = (step.question.control.maxAgeSeconds ?? Infinity) * 1_000;
      if (ageMs <= ageMsMax) return answerFromCache(state, asHit(part.value, step.key, ageMs));
    }
    if (part.role === 'lead') {
      state.flight = part.flight;
      if (mayBeFollowed(step.question)) state.live = new LiveAnswer(context.receiptId);
    }
  }
  return false;
}

function embeddingLine({ parts, ledger }: RequestState, key: CacheKey): EmbeddingLine | undefined {
  if (parts.embedding === null || !key.semantic) return undefined;
  return new EmbeddingLine(ledger, parts.embedding, parts.clock, key.question);
}

/** What must not be kept is not shown to others either; and that an answer calls tools is seen too late. */
function mayBeFollowed({ body, control }: CacheQuestion): boolean {
  if (body.stream !== true || control.noStore || body['store'] === false) return false;
  return body['tools'] === undefined && body['functions'] === undefined;
}

function asHit(shared: SharedAnswer, key: CacheKey, ageMs: number): Extract<CacheLookup, { kind: 'hit' }> {
  return {
    kind: 'hit',
    tier: shared.content.exactHash === key.exactHash ? 'exact' : 'normalised',
    content: shared.content,
    receiptId: shared.receiptId,
    similarity: null,
    ageSeconds: Math.floor(ageMs / 1_000),
    reason: 'single_flight',
  };
}

async function askProviders(state: RequestState, policy: ModelPolicy): Promise<void> {
  const { parts, context, client, ledger, flight, live } = state;
  const plan = state.plan as RoutePlan;
  const body = context.body as ChatRequest;
  const holding = holdExpectedCost(state, plan, body);
  if (holding !== undefined) await holding;
  const sink = new CompletionSink(client, {
    receiptId: context.receiptId,
    salt: ledger.responseSalt(),
    clientWantsUsage: wantsUsage(body),
    keepChunks: state.cacheKey !== null,
    live,
    onLive: () => {
      if (live !== null) flight?.stream(live);
    },
    streamHeaders: (served) =>
      responseHeaders({
        receiptId: context.receiptId,
        cache: state.cacheHeader,
        plan,
        provider: served.provider,
        model: served.model,
        attempts: served.attempts,
      }),
  });
  let result: DispatchResult | null = null;
  const dispatchedAtMs = parts.clock.monotonicMs();
  try {
    result = await parts.dispatcher.dispatch(
      {
        receiptId: context.receiptId,
        api: context.api,
        body,
        streamed: body.stream === true,
        clientWantsUsage: wantsUsage(body),
        plan,
        limits: policy.limits,
        budgetKey: context.key.keyId,
        ...(policy.hedge !== undefined && { hedge: policy.hedge }),
        ...(policy.policyTargets !== undefined && mayLeavePlan(state, body) && { policyTargets: policy.policyTargets }),
      },
      sink,
      ledger,
      flight === null ? client.gone : leadSignal(client.gone, flight, live),
    );
    await finishAnswer(state, sink, result, parts.clock.monotonicMs() - dispatchedAtMs);
  } finally {
    // An answer has landed the flight by now; whoever still waits must not wait for this request.
    flight?.fail();
    live?.finish({ kind: 'broken', error: result?.error ?? toRouterError(null) });
  }
}

/** Targets outside the plan have passed neither the cost limit nor the client's wishes about providers. */
function mayLeavePlan({ parts, context }: RequestState, body: ChatRequest): boolean {
  return (
    parts.unpriced !== 'block' &&
    context.headers('x-nextmodel-max-cost-usd') === undefined &&
    body['provider'] === undefined
  );
}

/** Ends a request that never reached a provider, or whose failure is not an attempt's. */
async function refuse(state: RequestState, error: RouterError): Promise<void> {
  const { ledger, client, context } = state;
  state.flight?.fail();
  const sealed = ledger.seal({
    status: refusalStatus(error, client.gone.aborted),
    httpStatus: client.gone.aborted ? 499 : error.httpStatus,
    errorCode: error.code,
    finishReason: null,
    streamComplete: client.streamStarted ? false : null,
    responseCommitment: null,
    timeToFirstTokenMs: null,
    upstreamMs: 0,
    avoidedPicoUsd: 0n,
    content: null,
  });
  // The client is told in any case: what it asked was refused, whether or not the log could note it.
  await Promise.allSettled(state.parts.durability === 'strict' ? [sealed.durable] : [sealed.written]);
  sealed.durable.catch(() => undefined);
  client.fail(
    error,
    responseHeaders({
      receiptId: context.receiptId,
      cache: state.cacheHeader,
      plan: state.plan,
      attempts: ledger.attemptCount,
      cost: ledger.cost(),
    }),
  );
}

function refusalStatus(error: RouterError, gone: boolean): ReceiptStatus {
  if (gone) return 'aborted';
  return error.httpStatus >= 500 || error.httpStatus === 429 || error.httpStatus === 403 ? 'rejected' : 'client_error';
}

function cacheOnReceipt(
  result: ReceiptCache['result'],
  similarity: number | null,
  reason: string | null,
): ReceiptCache {
  return { result, similarity, sourceReceiptId: null, ageSeconds: null, reason };
}

function wantsUsage(body: ChatRequest): boolean {
  return body.stream_options?.include_usage === true;
}

function missingBody(): RouterError {
  return new RouterError({ code: 'invalid_request', publicMessage: 'The request has no body.', httpStatus: 400 });
}

function onlyIfCached(): RouterError {
  return new RouterError({
    code: 'only_if_cached',
    publicMessage: 'No stored answer fits, and the request allows no other (x-nextmodel-cache: only-if-cached).',
    httpStatus: 504,
  });
}
