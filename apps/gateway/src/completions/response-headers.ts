import { showReceiptId } from '#events/domain/ids.js';
import { picoToDecimal } from '#events/domain/money.js';
import type { UsageCost } from '#openai-wire/domain/usage-view.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import type { RawHeaders } from '../hot-lane/client-connection.js';

/** `x-nextmodel-cache` as clients see it. */
export type CacheHeader = 'HIT' | 'SEMANTIC_HIT' | 'MISS' | 'BYPASS' | 'REFRESH' | 'DISABLED';

export interface HeaderFacts {
  readonly receiptId: string;
  readonly cache: CacheHeader;
  readonly plan: RoutePlan | null;
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly attempts?: number;
  /** Left out on streams: their cost is known at the end and stands in `usage.cost`. */
  readonly cost?: Pick<UsageCost, 'costPicoUsd' | 'costStatus'>;
  readonly overheadMs?: number;
  readonly similarity?: number | null;
  readonly ageSeconds?: number | null;
}

/** The `x-nextmodel-*` headers of an answer. Values are ours or checked: nothing a provider sent gets in unescaped. */
export function responseHeaders(facts: HeaderFacts): RawHeaders {
  const headers: RawHeaders = [
    'x-nextmodel-receipt-id',
    showReceiptId(facts.receiptId),
    'x-nextmodel-cache',
    facts.cache,
  ];
  const add = (name: string, value: string | null | undefined): void => {
    if (value !== undefined && value !== null && value !== '') headers.push(`x-nextmodel-${name}`, toHeaderText(value));
  };
  add('provider', facts.provider);
  add('model', facts.model);
  if (facts.attempts !== undefined) add('attempts', String(facts.attempts));
  if (facts.cost !== undefined) {
    add('cost-usd', facts.cost.costPicoUsd === null ? null : picoToDecimal(BigInt(facts.cost.costPicoUsd)));
    add('cost-status', facts.cost.costStatus);
  }
  if (facts.plan !== null) add('policy', facts.plan.rule ?? facts.plan.reason);
  if (facts.overheadMs !== undefined) add('overhead-ms', facts.overheadMs.toFixed(2));
  if (facts.similarity !== undefined && facts.similarity !== null) add('cache-similarity', facts.similarity.toFixed(4));
  if (facts.ageSeconds !== undefined && facts.ageSeconds !== null) add('cache-age-s', String(facts.ageSeconds));
  return headers;
}

/** Model names may hold anything; a header may not. */
function toHeaderText(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value);
}
