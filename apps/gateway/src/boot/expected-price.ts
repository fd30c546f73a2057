import type { PriceBook } from '#pricing/ports/price-book.js';
import type { ProviderRegistry } from '#providers/ports/provider-registry.js';
import type { Target } from '#routing/domain/route-plan.js';

/** A usual request: strategies compare targets by what it would cost, in microdollars. */
const USUAL = { input_uncached: 1_000, output_text: 300 } as const;
const PICO_PER_MICRO = 1_000_000n;

/** @returns `null` where no price is known: such a target is unknown, never cheap. */
export function expectedPrice(
  prices: PriceBook,
  registry: ProviderRegistry,
  target: Target,
  atMs: number,
): number | null {
  const { costPicoUsd } = prices.price({
    provider: target.provider,
    providerKind: registry.get(target.provider)?.adapter.kind ?? '',
    model: target.model,
    tenantId: '',
    atMs,
    meters: USUAL,
    serviceTier: null,
    usageSource: 'provider',
    billed: 'yes',
    providerCostPicoUsd: null,
  });
  return costPicoUsd === null ? null : Number(BigInt(costPicoUsd) / PICO_PER_MICRO);
}
