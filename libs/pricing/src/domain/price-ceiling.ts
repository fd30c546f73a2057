import type { Meter } from '#events/domain/meters.js';
import { divideHalfEven } from './exact-decimal.js';
import type { PriceRecord, Rates } from './price-record.js';
import { NANO, type ExchangeRate } from './price-usage.js';

/** Picodollars for one token of text: no record has a dearer one. */
export interface PriceCeiling {
  readonly inputPicoUsd: bigint;
  readonly outputPicoUsd: bigint;
}

// Rates of pictures and sound are for other units, and would make a bound that nothing stays below.
const INPUT: readonly Meter[] = ['input_uncached', 'input_cache_write_5m', 'input_cache_write_1h'];
const OUTPUT: readonly Meter[] = ['output_text', 'output_reasoning'];

/** The dearest rates over all cards and tiers of these records. @param fxOf `null`: a currency without a rate. */
export function priceCeiling(
  records: Iterable<PriceRecord>,
  fxOf: (record: PriceRecord) => ExchangeRate | null,
): PriceCeiling {
  let [inputPicoUsd, outputPicoUsd] = [0n, 0n];
  for (const record of records) {
    const fx = fxOf(record);
    if (fx === null) continue;
    const dearest = (rates: Rates, meters: readonly Meter[], sofar: bigint): bigint =>
      meters.reduce((most, meter) => {
        const pico = divideHalfEven(BigInt(rates[meter] ?? 0) * fx.rateNano, NANO);
        return pico > most ? pico : most;
      }, sofar);
    for (const card of [record, ...Object.values(record.serviceTiers)]) {
      for (const { rates } of [card, ...card.tiers]) {
        inputPicoUsd = dearest(rates, INPUT, inputPicoUsd);
        outputPicoUsd = dearest(rates, OUTPUT, outputPicoUsd);
      }
    }
  }
  return { inputPicoUsd, outputPicoUsd };
}
