import { showReceiptId } from '#events/domain/ids.js';
import { RouterError } from '#events/domain/router-error.js';
import { hideUsage, injectReceiptId, injectUsageCost } from '#openai-wire/domain/answer-injection.js';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import { usageChunk } from '#openai-wire/domain/usage-view.js';
import type { AnswerClient } from './answer-client.js';
import { awaitSafe } from './await-safe.js';
import { RunningCommitment } from './commitment.js';
import { type LiveAnswer, type LiveEnd, tooSlow } from './live-answer.js';
import type { RequestState } from './request-state.js';
import { responseHeaders } from './response-headers.js';

type FollowEnd = LiveEnd | { readonly kind: 'left' };

/**
 * Reads a running stream of an equal request along: all that has come so far, then what comes, at this client's own
 * pace. Its receipt names the one that pays. @returns true, always.
 */
export async function followAnswer(state: RequestState, live: LiveAnswer): Promise<true> {
  const { parts, context, client, ledger } = state;
  const startedMs = parts.clock.monotonicMs();
  state.cacheHeader = 'HIT';
  ledger.cached({
    result: 'exact',
    similarity: null,
    sourceReceiptId: live.receiptId,
    ageSeconds: 0,
    reason: 'exact:single_flight_stream',
  });
  const headers = responseHeaders({
    receiptId: context.receiptId,
    cache: state.cacheHeader,
    plan: state.plan,
    provider: live.served?.provider ?? null,
    model: live.served?.model ?? null,
    attempts: 0,
    cost: ledger.cost(),
    ageSeconds: 0,
  });
  client.startStream(headers);
  const includeUsage = (context.body as ChatRequest).stream_options?.include_usage === true;
  const commitment = new RunningCommitment(ledger.responseSalt());
  const reader = new StreamReader(live, client, context.receiptId, includeUsage, commitment, parts.slowReaderMs);
  const end = await reader.read();
  const whole = end.kind === 'whole';
  const avoidedPicoUsd = whole ? (end.costPicoUsd === null ? null : BigInt(end.costPicoUsd)) : 0n;
  if (whole && includeUsage) {
    const data = reader.usageData ?? usageChunk(reader.head(), end.meters, null);
    client.writeData(injectUsageCost(data, ledger.cost(avoidedPicoUsd)));
  }
  const sealed = ledger.seal({
    status: whole ? 'ok' : end.kind === 'left' ? 'aborted' : 'truncated',
    httpStatus: end.kind === 'left' ? 499 : 200,
    errorCode: whole ? null : end.kind === 'left' ? 'client_closed' : end.error.code,
    finishReason: whole ? end.finishReason : null,
    streamComplete: whole,
    responseCommitment: reader.responseCommitment(),
    timeToFirstTokenMs: null,
    // The time is the leader's provider's, not ours.
    upstreamMs: parts.clock.monotonicMs() - startedMs,
    avoidedPicoUsd,
    content: null,
  });
  try {
    await awaitSafe(parts.durability, sealed);
    if (whole) client.endStream();
    else if (end.kind === 'broken') client.fail(end.error, []);
  } catch (error) {
    sealed.durable.catch(() => undefined);
    client.fail(error instanceof RouterError ? error : tooSlow(), []);
  }
  return true;
}

/** One client's place in a running stream. */
class StreamReader {
  usageData: string | null = null;
  #place = 0;
  #firstData: string | null = null;
  #stalled = false;
  #over = false;
  readonly #ended = Promise.withResolvers<FollowEnd>();
  #leave: () => void = () => undefined;
  #stall: NodeJS.Timeout | undefined;

  constructor(
    private readonly live: LiveAnswer,
    private readonly client: AnswerClient,
    private readonly receiptId: string,
    private readonly includeUsage: boolean,
    private readonly commitment: RunningCommitment,
    /** A client that reads nothing for so long is given up; the answer is not held for it. */
    private readonly slowReaderMs: number,
  ) {}

  async read(): Promise<FollowEnd> {
    const { gone } = this.client;
    const left = (): void => this.#finish({ kind: 'left' });
    this.#leave = this.live.follow(() => this.#pump());
    gone.addEventListener('abort', left, { once: true });
    if (gone.aborted) left();
    this.#pump();
    const end = await this.#ended.promise;
    gone.removeEventListener('abort', left);
    return end;
  }

  head(): { readonly id: string; readonly model: string; readonly created: number } {
    const first = JSON.parse(this.#firstData ?? '{}') as { id?: string; model?: string; created?: number };
    return { id: first.id ?? '', model: first.model ?? '', created: first.created ?? 0 };
  }

  responseCommitment(): string {
    return this.commitment.digest();
  }

  #pump(): void {
    while (!this.#stalled && !this.#over) {
      const next = this.live.at(this.#place);
      if (next === null) {
        if (this.live.end !== null) this.#finish(this.live.end);
        return;
      }
      if (next === 'lost') {
        this.#finish({ kind: 'broken', error: tooSlow() });
        return;
      }
      this.#place += 1;
      if (next.isUsage) {
        if (this.includeUsage) this.commitment.add(next.data);
        this.usageData = next.data;
      } else this.#show(next.data);
    }
  }

  #show(data: string): void {
    let shown = this.includeUsage ? data : hideUsage(data);
    this.commitment.add(shown);
    if (this.#firstData === null) {
      this.#firstData = data;
      shown = injectReceiptId(shown, showReceiptId(this.receiptId));
    }
    if (this.client.writeData(shown)) return;
    this.#stalled = true;
    this.#stall = setTimeout(() => this.#finish({ kind: 'broken', error: tooSlow() }), this.slowReaderMs);
    this.client.onDrain(() => {
      clearTimeout(this.#stall);
      this.#stalled = false;
      this.#pump();
    });
  }

  #finish(end: FollowEnd): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#stall);
    this.#leave();
    this.#ended.resolve(end);
  }
}
