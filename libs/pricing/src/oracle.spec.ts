import { calcPrice, waitForUpdate } from '@pydantic/genai-prices';
import { expect, it } from 'vitest';
import type { Meters } from '#events/domain/meters.js';
import { loadCatalogue } from './adapters/catalogue/load-catalogue.js';
import { catalogueRecords } from './domain/catalogue.js';
import { createPriceList } from './usecases/price-list.js';

/** Their sum of a few products of doubles, and ours once turned into one: a handful of last bits. */
const FLOAT_ERROR = 16 * Number.EPSILON;
const HALF_A_PICO = 0.5e-12;
const TIMES = ['2025-06-01T03:00:00Z', '2026-02-01T12:00:00Z', '2026-11-24T18:30:00Z'];
const USAGES: readonly Meters[] = [
  { input_uncached: 800, input_cache_read: 200, output_text: 60, output_reasoning: 40 },
  { input_uncached: 150_001, input_cache_read: 150_000, output_text: 4000 },
  { input_uncached: 10, input_cache_write_5m: 1000, input_cache_write_1h: 500, output_text: 7 },
  { input_uncached: 12_345 },
];

it('agrees with the published calculator on every model of its catalogue', async () => {
  const providers = (await waitForUpdate()) ?? [];
  const catalogue = loadCatalogue();
  const byId = Object.fromEntries(Object.keys(catalogue.providers).map((id) => [id, id]));
  const book = createPriceList({ own: [], catalogue, hash: () => '' });
  const wrong: unknown[] = [];
  const rounded = new Set<string>();
  let compared = 0;

  for (const provider of providers) {
    for (const model of provider.models) {
      const records = catalogueRecords(catalogue, byId[provider.id] ?? '', model.id);
      if (records.length === 0) continue;
      for (const [index, meters] of USAGES.entries()) {
        const timestamp = new Date(TIMES[index % TIMES.length] ?? '');
        const theirs = calcPrice(usageOf(meters), model.id, { provider, timestamp })?.total_price ?? null;
        const priced = book.price({
          provider: provider.id,
          providerKind: 'openai-compatible',
          model: model.id,
          tenantId: 't',
          atMs: timestamp.getTime(),
          meters,
          serviceTier: null,
          usageSource: 'provider',
          billed: 'yes',
          providerCostPicoUsd: null,
        });
        // Names that only their own id reaches, and rates that they count as zero where we say unpriced.
        if (theirs === null || priced.costStatus === 'unpriced') {
          const sellsOutput = 'output_text' in (records.at(-1)?.rates ?? {});
          if (theirs !== null && sellsOutput) wrong.push([provider.id, model.id, index, theirs, 'unpriced']);
          continue;
        }
        compared += 1;
        const ours = priced.costPicoUsd === null ? null : Number(priced.costPicoUsd) / 1e12;
        const drift = ours === null ? Number.POSITIVE_INFINITY : Math.abs(ours - theirs);
        if (drift <= theirs * FLOAT_ERROR) continue;
        // Twelfths (what Google charges to fill a cache) are rounded to a pico once, in the record.
        const tokens = Object.values(meters).reduce((sum, count) => sum + count, 0);
        if (drift <= tokens * HALF_A_PICO) rounded.add(model.id);
        else wrong.push([provider.id, model.id, index, theirs, ours, priced.costStatus]);
      }
    }
  }

  expect(wrong.slice(0, 20)).toEqual([]);
  expect(compared).toBeGreaterThan(5500);
  expect([...rounded].filter((id) => !id.includes('gemini'))).toEqual([]);
});

function usageOf(meters: Meters): Record<string, number> {
  const write5m = meters.input_cache_write_5m ?? 0;
  const write1h = meters.input_cache_write_1h ?? 0;
  const read = meters.input_cache_read ?? 0;
  const reasoning = meters.output_reasoning ?? 0;
  return {
    input_tokens: (meters.input_uncached ?? 0) + read + write5m + write1h,
    cache_read_tokens: read,
    cache_write_tokens: write5m + write1h,
    cache_write_5m_tokens: write5m,
    cache_write_1h_tokens: write1h,
    output_tokens: (meters.output_text ?? 0) + reasoning,
    output_reasoning_tokens: reasoning,
  };
}
