import { servedAttempt } from '#events/domain/attempt.js';
import type { Meters } from '#events/domain/meters.js';
import type { Receipt, ReceiptStatus } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import { pass } from '#events/ports/failpoint.js';
import type { DispatchResult } from '#dispatch/ports/dispatcher.js';
import { CompletionAssembly } from '#openai-wire/domain/assemble-completion.js';
import { readStreamData } from '#openai-wire/domain/stream-reading.js';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import { injectUsageCost } from '#openai-wire/domain/answer-injection.js';
import { usageChunk } from '#openai-wire/domain/usage-view.js';
import type { CacheContent, StoreDecision } from '#semantic-cache/ports/semantic-cache.js';
import type { RequestState } from './request-state.js';
import type { CompletionSink } from './completion-sink.js';
import { awaitSafe } from './await-safe.js';
import { responseHeaders } from './response-headers.js';

/** Seals the receipt of a dispatched request and lets the last of its answer out. */
export async function finishAnswer(
  state: RequestState,
  sink: CompletionSink,
  result: DispatchResult,
  upstreamMs: number,
): Promise<void> {
  const { parts, context, client, ledger } = state;
  const { streamStarted } = client;
  const ok = result.status === 'ok';
  // The answer went on for those who read it along; its own client has not got all of it.
  const left = ok && (client.gone.aborted || sink.cutOff);
  const content = ok ? contentOf(state, sink, result) : null;
  const stored = content === null ? null : storeDecision(state, content);
  const sealed = ledger.seal({
    status: left ? 'aborted' : receiptStatus(result),
    httpStatus:
      left || result.status === 'aborted' ? 499 : ok || streamStarted ? 200 : (result.error?.httpStatus ?? 502),
    errorCode: left ? 'client_closed' : (result.error?.code ?? null),
    finishReason: result.finishReason,
    streamComplete: streamStarted ? ok && !left : null,
    responseCommitment: sink.jsonBody !== null || streamStarted ? sink.responseCommitment() : null,
    timeToFirstTokenMs: result.timeToFirstTokenMs,
    upstreamMs,
    avoidedPicoUsd: 0n,
    content: stored?.store === true ? stored.event : null,
  });
  if (content !== null && stored?.store === true) {
    const shared = { content, receiptId: context.receiptId, madeMs: parts.clock.nowMs() };
    // The sealed text holds the same content and is a third longer than its JSON.
    state.flight?.land(shared, stored.event.sealed.length);
  } else if (ok) state.flight?.dissolve();
  const cost = ledger.cost();
  if (ok) {
    const meters = servedMeters(sealed.receipt);
    state.live?.finish({ kind: 'whole', costPicoUsd: cost.costPicoUsd, finishReason: result.finishReason, meters });
  }
  const headers = () =>
    responseHeaders({
      receiptId: context.receiptId,
      cache: state.cacheHeader,
      plan: state.plan,
      provider: result.served?.provider ?? null,
      model: result.served?.model ?? null,
      attempts: ledger.attemptCount,
      cost,
      overheadMs: sealed.receipt.overheadUs / 1_000,
    });
  try {
    if (!ok) throw result.error ?? truncated();
    if (sink.jsonBody !== null) {
      const body = injectUsageCost(Buffer.from(sink.jsonBody).toString('utf8'), cost);
      await awaitSafe(parts.durability, sealed);
      pass('receipt_safe');
      client.sendJson(200, headers(), body);
      return;
    }
    if ((context.body as ChatRequest).stream_options?.include_usage === true) {
      const data = sink.usageData ?? usageChunk(sink.head(), servedMeters(sealed.receipt), null);
      client.writeData(injectUsageCost(data, cost));
    }
    await awaitSafe(parts.durability, sealed);
    pass('receipt_safe');
    client.endStream();
  } catch (error) {
    sealed.durable.catch(() => undefined);
    sealed.written.catch(() => undefined);
    client.fail(error instanceof RouterError ? error : truncated(), headers());
  }
}

/** What the answer used; the receipt's own sum has failed attempts and embeddings in it. */
const servedMeters = (receipt: Receipt): Meters => servedAttempt(receipt.attempts)?.meters ?? receipt.meters;

function receiptStatus(result: DispatchResult): ReceiptStatus {
  switch (result.status) {
    case 'ok':
      return 'ok';
    case 'aborted':
      return 'aborted';
    case 'truncated':
      return 'truncated';
    default: {
      const code = result.error?.code;
      if (code === 'upstream_timeout') return 'timeout';
      if (code === 'receipt_log_unavailable' || code === 'overloaded') return 'rejected';
      return result.error !== null && result.error.httpStatus < 500 && result.error.httpStatus !== 429
        ? 'client_error'
        : 'provider_error';
    }
  }
}

/** The canonical answer, for the cache and for equal requests that wait. */
function contentOf(state: RequestState, sink: CompletionSink, result: DispatchResult): CacheContent | null {
  if (state.cacheKey === null || result.served === null) return null;
  const answer =
    sink.jsonBody === null
      ? sink.chunks === null
        ? null
        : assemble(sink.chunks)
      : (JSON.parse(Buffer.from(sink.jsonBody).toString('utf8')) as Record<string, unknown>);
  if (answer === null) return null;
  return {
    question: state.cacheKey.question,
    exactHash: state.cacheKey.exactHash,
    answer,
    provider: result.served.provider,
    model: result.served.model,
    costPicoUsd: state.ledger.cost().costPicoUsd,
    ...(state.embedded === null ? {} : { embedded: state.embedded }),
  };
}

function assemble(chunks: readonly string[]): Record<string, unknown> | null {
  const assembly = new CompletionAssembly();
  for (const data of chunks) {
    const { chunk } = readStreamData(data);
    if (chunk !== null) assembly.add(chunk);
  }
  return assembly.completion();
}

function storeDecision(state: RequestState, content: CacheContent): StoreDecision {
  const { cacheQuestion, cacheKey, parts, context } = state;
  if (cacheQuestion === null || cacheKey === null) return { store: false, reason: 'no key' };
  return parts.cache.decideStore(cacheQuestion, cacheKey, context.receiptId, content);
}

function truncated(): RouterError {
  return new RouterError({
    code: 'upstream_truncated',
    publicMessage: 'The model stopped before its answer was complete.',
    httpStatus: 502,
  });
}
