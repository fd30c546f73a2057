import { awaitSafe } from '../completions/await-safe.js';
import { RunningCommitment } from '../completions/commitment.js';
import type { RequestState } from '../completions/request-state.js';
import { responseHeaders } from '../completions/response-headers.js';
import { readIdempotencyKey } from './idempotency-key.js';
import { RecordingClient } from './recording-client.js';
import type { StoredAnswer } from './stored-answer.js';

const RECEIPT_ID = /^(\s*\{)"nextmodel":\{"receipt_id":"[^"]*"\},?/;
const FINISH_REASON = /"finish_reason":\s*"(\w+)"/;

/**
 * Answers a request with an `Idempotency-Key` whose answer is known; else takes down what it will be answered.
 * @returns true when the request is answered.
 * @throws RouterError `invalid_request` (400), `idempotency_in_progress` (409), `idempotency_mismatch` (422).
 */
export async function answeredBefore(state: RequestState, header: string): Promise<boolean> {
  const { parts, context, client } = state;
  const named = await parts.idempotency.claim(context, readIdempotencyKey(header));
  if (named.kind === 'answered') return answerAgain(state, named.answer);
  if (named.kind === 'held') {
    const recording = new RecordingClient(client, named.held, context.receiptId, () => parts.clock.nowMs());
    state.recording = recording;
    state.client = recording;
  }
  return false;
}

/** The same bytes as the first time, for nothing, on a receipt of its own that names the first one. */
async function answerAgain(state: RequestState, answer: StoredAnswer): Promise<true> {
  const { parts, context, client, ledger } = state;
  const { body } = answer;
  const ageSeconds = Math.max(0, Math.floor((context.acceptedMs - answer.madeMs) / 1_000));
  state.cacheHeader = 'BYPASS';
  ledger.cached({
    result: 'bypass',
    similarity: null,
    sourceReceiptId: answer.receiptId,
    ageSeconds,
    reason: 'idempotency_key',
  });
  const commitment = new RunningCommitment(ledger.responseSalt());
  const streamed = typeof body !== 'string';
  // As for every answer: over what came before a receipt id was put in.
  if (streamed)
    for (const [at, data] of body.entries()) commitment.add(at === 0 ? data.replace(RECEIPT_ID, '$1') : data);
  else commitment.add(body);
  const sealed = ledger.seal({
    status: 'replayed',
    httpStatus: 200,
    errorCode: null,
    finishReason: finishReasonOf(body),
    streamComplete: streamed ? true : null,
    responseCommitment: commitment.digest(),
    timeToFirstTokenMs: null,
    upstreamMs: 0,
    avoidedPicoUsd: 0n,
    content: null,
  });
  const headers = responseHeaders({
    receiptId: context.receiptId,
    cache: state.cacheHeader,
    plan: null,
    provider: answer.provider,
    model: answer.model,
    attempts: 0,
    cost: ledger.cost(),
    overheadMs: sealed.receipt.overheadUs / 1_000,
  });
  headers.push('idempotent-replayed', 'true', 'x-nextmodel-source-receipt-id', `rcpt_${answer.receiptId}`);
  if (streamed) {
    client.startStream(headers);
    for (const data of body) client.writeData(data);
    await awaitSafe(parts.durability, sealed);
    client.endStream();
  } else {
    await awaitSafe(parts.durability, sealed);
    client.sendJson(200, headers, body);
  }
  return true;
}

function finishReasonOf(body: string | readonly string[]): string | null {
  if (typeof body === 'string') return FINISH_REASON.exec(body)?.[1] ?? null;
  for (const data of body.toReversed()) {
    const found = FINISH_REASON.exec(data);
    if (found !== null) return found[1] ?? null;
  }
  return null;
}
