import { servedAttempt, type AttemptLine } from '#events/domain/attempt.js';
import { inputTokens, outputTokens } from '#events/domain/meters.js';
import type { Receipt } from '#events/domain/receipt.js';
import type { ReceiptAdjusted } from '#events/domain/router-event.js';
import { effectiveCost, RERATED, sumDeltas } from './effective-cost.js';
import type { Generation } from './generation.js';

/** `reason` of adjustments that come from what the provider told after the receipt was sealed. */
const LATE_USAGE = 'late_usage';
/** How the evidence of a correction from a provider's books begins. */
const EVIDENCE = '{"generations":[';

/**
 * - `none`: the same amount and tokens
 * - `missing_there`: the provider does not know the call
 * - `late_usage`: the receipt had to estimate, or could not know the amount; the provider does now
 * - `unpriced`: we know the usage and no price
 * - `cached_tokens`, `token_counts`: the provider counts them otherwise
 * - `rounding`: less than a millionth of the amount, or a nanodollar
 * - `price`: the same tokens at another price
 */
export type GenerationCause =
  'none' | 'missing_there' | 'late_usage' | 'unpriced' | 'cached_tokens' | 'token_counts' | 'rounding' | 'price';

export interface GenerationDrift {
  readonly receiptId: string;
  readonly n: number;
  readonly provider: string;
  readonly model: string;
  /** UTC day of the call. */
  readonly day: string;
  /** Picodollars, corrections included; `null` = unpriced. */
  readonly ours: bigint | null;
  readonly theirs: bigint | null;
  readonly cause: GenerationCause;
}

/** Compares the calls of one receipt with the provider's books. `books`: attempt number → `null` when unknown there. */
export function generationDrifts(
  receipt: Receipt,
  adjustments: readonly ReceiptAdjusted[],
  books: ReadonlyMap<number, Generation | null>,
): readonly GenerationDrift[] {
  const charged = receipt.attempts.filter(({ billed }) => billed !== 'no');
  const corrected = servedAttempt(charged) ?? charged.at(-1);
  const toldBefore = amountsTold(adjustments);
  const others = adjustments.filter((adjustment) => !isFromBooks(adjustment));
  return receipt.attempts.flatMap((attempt) => {
    const theirs = books.get(attempt.n);
    if (theirs === undefined) return [];
    const told = toldBefore.get(attempt.n);
    const delta = attempt === corrected ? sumDeltas(others) : 0n;
    const base = told ?? (attempt.costPicoUsd === null ? null : BigInt(attempt.costPicoUsd));
    const rerated = attempt === corrected && others.some(({ reason }) => reason === RERATED);
    const ours = base === null && !rerated ? null : (base ?? 0n) + delta;
    const { n, provider, model } = attempt;
    const day = attempt.startedAt.slice(0, 10);
    const cause = causeOf(attempt, ours, theirs);
    return [{ receiptId: receipt.receiptId, n, provider, model, day, ours, theirs: theirs?.cost ?? null, cause }];
  });
}

/** Does a correction say what the provider's books told of a call? */
export const isFromBooks = ({ evidence }: Pick<ReceiptAdjusted, 'evidence'>): boolean => evidence.startsWith(EVIDENCE);

/** Amounts by attempt number that earlier corrections took from the provider's books. */
function amountsTold(adjustments: readonly ReceiptAdjusted[]): ReadonlyMap<number, bigint> {
  const told = new Map<number, bigint>();
  for (const { evidence } of adjustments.filter(isFromBooks)) {
    const { generations } = JSON.parse(evidence) as { readonly generations: readonly { n: number; to: string }[] };
    for (const { n, to } of generations) told.set(n, BigInt(to));
  }
  return told;
}

function causeOf(attempt: AttemptLine, ours: bigint | null, theirs: Generation | null): GenerationCause {
  if (theirs === null) return 'missing_there';
  const unsure = attempt.usageSource !== 'provider' || attempt.billed === 'unknown';
  if (ours === null) return unsure ? 'late_usage' : 'unpriced';
  if (unsure) return ours === theirs.cost ? 'none' : 'late_usage';
  if (differs(theirs.cachedTokens, attempt.meters.input_cache_read ?? 0)) return 'cached_tokens';
  const prompt = differs(theirs.promptTokens, inputTokens(attempt.meters));
  if (prompt || differs(theirs.completionTokens, outputTokens(attempt.meters))) return 'token_counts';
  const drift = theirs.cost < ours ? ours - theirs.cost : theirs.cost - ours;
  if (drift === 0n) return 'none';
  return drift <= 1_000n || drift * 1_000_000n <= theirs.cost ? 'rounding' : 'price';
}

const differs = (told: number | null, counted: number): boolean => told !== null && told !== counted;

/**
 * The correction for what the receipt could not know. An amount that was unknown is set (as a re-rating does, so that
 * views take it for a price), one that was estimated is corrected. `null` = nothing to correct, or part of the receipt
 * is still unknown. Idempotent: with its own adjustment it gives none.
 */
export function lateUsageAdjustment(
  receipt: Receipt,
  adjustments: readonly ReceiptAdjusted[],
  drifts: readonly GenerationDrift[],
): Omit<ReceiptAdjusted, 'adjustedAt'> | null {
  const late = drifts.filter(({ cause }) => cause === 'late_usage');
  if (late.length === 0) return null;
  const knownLate = new Set(late.map(({ n }) => n));
  const dark = receipt.attempts.some(
    ({ n, billed, costPicoUsd }) => billed !== 'no' && costPicoUsd === null && !knownLate.has(n),
  );
  const unknown = effectiveCost(receipt, adjustments) === null;
  if (unknown && dark) return null;
  const delta = late.reduce((total, { ours, theirs }) => total + (theirs ?? 0n) - (ours ?? 0n), 0n);
  return {
    receiptId: receipt.receiptId,
    tenantId: receipt.tenantId,
    seq: (adjustments.at(-1)?.seq ?? 0) + 1,
    deltaPicoUsd: delta.toString(),
    reason: unknown ? RERATED : LATE_USAGE,
    evidence: JSON.stringify({
      generations: late.map(({ n, ours, theirs }) => {
        const { providerRequestId } = receipt.attempts.find((attempt) => attempt.n === n) ?? {};
        return { n, id: providerRequestId, from: ours?.toString() ?? null, to: (theirs ?? 0n).toString() };
      }),
    }),
  };
}
