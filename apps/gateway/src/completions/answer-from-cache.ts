import type { ReceiptCache } from '#events/domain/receipt.js';
import { showReceiptId } from '#events/domain/ids.js';
import { injectReceiptId, injectUsageCost } from '#openai-wire/domain/answer-injection.js';
import { replayCompletion } from '#openai-wire/domain/replay-completion.js';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import type { CacheLookup } from '#semantic-cache/ports/semantic-cache.js';
import { RunningCommitment } from './commitment.js';
import type { RequestState } from './request-state.js';
import { responseHeaders } from './response-headers.js';
import { awaitSafe } from './await-safe.js';

type Hit = Extract<CacheLookup, { kind: 'hit' }>;

/** Serves a stored answer with its own receipt, which names the receipt that paid for it. @returns true, always. */
export async function answerFromCache(state: RequestState, hit: Hit): Promise<true> {
  const { parts, context, client, ledger } = state;
  const body = context.body as ChatRequest;
  const streamed = body.stream === true;
  state.cacheHeader = hit.tier === 'semantic' ? 'SEMANTIC_HIT' : 'HIT';
  ledger.cached(onReceipt(hit));
  const { costPicoUsd } = hit.content;
  const avoidedPicoUsd = costPicoUsd === null ? null : BigInt(costPicoUsd);
  const cost = ledger.cost(avoidedPicoUsd);
  const includeUsage = body.stream_options?.include_usage === true;
  const chunks = streamed ? replayCompletion(hit.content.answer, { stream: true, includeUsage }) : [];
  const json = streamed
    ? ''
    : injectUsageCost(replayCompletion(hit.content.answer, { stream: false, includeUsage }), cost);
  const commitment = new RunningCommitment(ledger.responseSalt());
  for (const data of streamed ? chunks : [json]) commitment.add(data);
  const choices = hit.content.answer['choices'] as { finish_reason?: string }[] | undefined;
  const sealed = ledger.seal({
    status: 'ok',
    httpStatus: 200,
    errorCode: null,
    finishReason: choices?.[0]?.finish_reason ?? null,
    streamComplete: streamed ? true : null,
    responseCommitment: commitment.digest(),
    timeToFirstTokenMs: null,
    upstreamMs: 0,
    avoidedPicoUsd,
    content: null,
  });
  const headers = responseHeaders({
    receiptId: context.receiptId,
    cache: state.cacheHeader,
    plan: state.plan,
    provider: hit.content.provider,
    model: hit.content.model,
    attempts: 0,
    cost,
    overheadMs: sealed.receipt.overheadUs / 1_000,
    similarity: hit.similarity,
    ageSeconds: hit.ageSeconds,
  });
  if (!streamed) {
    await awaitSafe(parts.durability, sealed);
    client.sendJson(200, headers, json);
    return true;
  }
  client.startStream(headers);
  for (const [index, data] of chunks.entries()) {
    const last = includeUsage && index === chunks.length - 1;
    const shown = index === 0 ? injectReceiptId(data, showReceiptId(context.receiptId)) : data;
    client.writeData(last ? injectUsageCost(shown, cost) : shown);
  }
  await awaitSafe(parts.durability, sealed);
  client.endStream();
  return true;
}

function onReceipt(hit: Hit): ReceiptCache {
  return {
    result: hit.tier === 'semantic' ? 'semantic' : 'exact',
    similarity: hit.similarity,
    sourceReceiptId: hit.receiptId,
    ageSeconds: hit.ageSeconds,
    reason: `${hit.tier}:${hit.reason}`,
  };
}
