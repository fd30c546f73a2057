import type { AttemptStatus, Billed } from '#events/domain/attempt.js';
import type { RouterErrorCode } from '#events/domain/router-error.js';
import type { Clock } from '#events/ports/clock.js';
import { estimateTokens } from '#openai-wire/domain/estimate-tokens.js';
import type { Provider } from '#providers/ports/provider-registry.js';
import type { EmbeddingEnd, EmbeddingWatch } from '#semantic-cache/ports/semantic-cache.js';
import type { RequestLedger } from './request-ledger.js';

/** Who embeds questions for the cache. */
export interface EmbeddingTarget {
  readonly provider: Provider;
  readonly model: string;
  readonly credentialId: string;
}

interface Ended {
  readonly status: AttemptStatus;
  readonly code: RouterErrorCode | null;
  readonly billed: Billed;
}

const OWN_ENDS: Readonly<Record<Exclude<EmbeddingEnd['outcome'], 'refused'>, Ended>> = {
  ok: { status: 'ok', code: null, billed: 'yes' },
  unreached: { status: 'error', code: 'upstream_unavailable', billed: 'no' },
  timeout: { status: 'timeout', code: 'upstream_timeout', billed: 'unknown' },
  broken: { status: 'error', code: 'upstream_error', billed: 'unknown' },
  bad_answer: { status: 'error', code: 'upstream_bad_response', billed: 'unknown' },
};
const NO_ANSWER: EmbeddingEnd = { outcome: 'timeout', httpStatus: 0, headers: {}, usage: null };

/** Puts the call that embeds a question onto the receipt of the request that asked it: an attempt of kind `embedding`. */
export class EmbeddingLine implements EmbeddingWatch {
  #open: { readonly n: number; readonly startedAt: string; readonly startedMs: number } | null = null;

  constructor(
    private readonly ledger: RequestLedger,
    private readonly target: EmbeddingTarget,
    private readonly clock: Clock,
    private readonly text: string,
  ) {}

  async started(): Promise<void> {
    const { provider, model, credentialId } = this.target;
    const startedAt = new Date(this.clock.nowMs()).toISOString();
    const aside = { kind: 'embedding', provider: provider.name, model, credentialId, startedAt } as const;
    const { n, written } = this.ledger.asideStarted(aside);
    this.#open = { n, startedAt, startedMs: this.clock.monotonicMs() };
    await written;
  }

  finished(end: EmbeddingEnd): void {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    const { provider, model, credentialId } = this.target;
    const { status, code, billed } = this.#ended(end);
    const reading = end.usage === null ? null : provider.adapter.readUsage(end.usage);
    const guessed = reading === null && billed !== 'no';
    this.ledger.asideFinished({
      n: open.n,
      kind: 'embedding',
      provider: provider.name,
      model,
      credentialId,
      providerRequestId: provider.adapter.requestId(end.headers, null),
      serviceTier: null,
      status,
      httpStatus: end.httpStatus,
      errorCode: code,
      movedOn: status === 'ok' ? null : 'cache_miss',
      startedAt: open.startedAt,
      latencyMs: Math.round(this.clock.monotonicMs() - open.startedMs),
      timeToFirstTokenMs: null,
      billed,
      meters: reading?.meters ?? (guessed ? { input_uncached: estimateTokens(this.text) } : {}),
      usageSource: reading === null ? (guessed ? 'estimated' : 'none') : 'provider',
      usageFlags: reading?.flags ?? [],
      usageRaw: end.usage,
      providerCostPicoUsd: reading?.providerCostPicoUsd ?? null,
      finishReason: null,
    });
  }

  /** The look-up is over: a call that has not ended is one that nobody waits for, billed or not. */
  settle(): void {
    if (this.#open !== null) this.finished(NO_ANSWER);
  }

  #ended(end: EmbeddingEnd): Ended {
    if (end.outcome !== 'refused') return OWN_ENDS[end.outcome];
    const refusal = { status: end.httpStatus, headers: end.headers, bodyText: '' };
    const { code, billed } = this.target.provider.adapter.classify(refusal, this.clock.nowMs());
    return { status: 'error', code, billed };
  }
}
