import type { Settings } from '#config/domain/settings.js';
import type { Clock } from '#events/ports/clock.js';
import { RouterError } from '#events/domain/router-error.js';
import type { PriceBook } from '#pricing/ports/price-book.js';
import { loadPriceBook } from '#pricing/pricing.module.js';
import type { Logger } from '#telemetry/ports/logger.js';

/** The price book of a gateway. @throws RouterError `configuration` with all problems of the price files. */
export function loadPrices({ prices, providers }: Settings, clock: Clock, logger: Logger): PriceBook {
  const loaded = loadPriceBook({ files: prices.files, nowMs: clock.nowMs() });
  if (!loaded.ok) {
    throw new RouterError({
      code: 'configuration',
      publicMessage: 'The price files have problems.',
      detail: loaded.problems
        .map((problem) => `${problem.file}:${problem.line} ${problem.path}: ${problem.message}`)
        .join('\n'),
    });
  }
  if (Object.values(providers).some((provider) => provider.kind === 'ark')) {
    for (const note of loaded.notes) logger.warn({ note }, 'a price may be out of date');
  }
  return loaded.book;
}
