import { checkPriceFile } from '#pricing/pricing.module.js';
import { openEventDesk, openEvents } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { controlEvents, priceProblems } from '../open-prices.js';
import { EXIT, formatTable, UsageError } from '../output.js';

/**
 * `nextmodel prices check|publish <file>`: all problems with their place, or the records that a publication makes.
 * Published prices hold for every gateway from then on; receipts keep the record they were made with.
 */
export async function run(words: readonly string[]): Promise<number> {
  const [action, file, ...rest] = words;
  if ((action !== 'check' && action !== 'publish') || file === undefined || rest.length > 0) {
    throw new UsageError('usage: nextmodel prices check|publish <file>');
  }
  const checked = checkPriceFile(file);
  if (!checked.ok) throw priceProblems(checked.problems);
  const settings = requireSettings();
  const known = await publishedHashes(settings);
  const rows = checked.prices.map((price) => [
    price.priceId,
    price.priceHash.slice(0, 16),
    known.has(price.priceHash) ? 'published before' : 'new',
  ]);
  process.stdout.write(`${formatTable(['price', 'hash', 'state'], rows)}\n`);
  const fresh = checked.prices.filter(({ priceHash }) => !known.has(priceHash));
  if (action === 'check') {
    process.stdout.write(`${fresh.length} of ${rows.length} would be published.\n`);
    return EXIT.ok;
  }
  if (fresh.length > 0) {
    const desk = await openEventDesk(settings);
    try {
      await desk.publishPrices(fresh);
    } finally {
      await desk.close();
    }
  }
  process.stdout.write(`${fresh.length} of ${rows.length} were published.\n`);
  return EXIT.ok;
}

async function publishedHashes(settings: ReturnType<typeof requireSettings>): Promise<ReadonlySet<string>> {
  const reader = await openEvents(settings);
  try {
    const hashes = new Set<string>();
    for await (const event of controlEvents(reader)) {
      if (event.type === 'nextmodel.price.published.v1') hashes.add(event.data.priceHash);
    }
    return hashes;
  } finally {
    await reader.close();
  }
}
