import type { Meters } from '#events/domain/meters.js';
import type { PriceQuestion } from '#pricing/ports/price-book.js';
import type { Target } from '#routing/domain/route-plan.js';
import type { LedgerParts } from './ledger-parts.js';
import type { RequestContext } from './request-context.js';

/** What such usage of a target would cost this request, picodollars; `null` = it has no price. */
export function supposedCost(
  parts: Pick<LedgerParts, 'prices' | 'registry'>,
  context: RequestContext,
  target: Target,
  usage: { readonly meters: Meters; readonly usageSource: PriceQuestion['usageSource'] },
): bigint | null {
  const { costPicoUsd } = parts.prices.price({
    provider: target.provider,
    providerKind: parts.registry.get(target.provider)?.adapter.kind ?? '',
    model: target.model,
    tenantId: context.key.tenantId,
    atMs: context.acceptedMs,
    meters: usage.meters,
    serviceTier: null,
    usageSource: usage.usageSource,
    billed: 'yes',
    providerCostPicoUsd: null,
  });
  return costPicoUsd === null ? null : BigInt(costPicoUsd);
}
