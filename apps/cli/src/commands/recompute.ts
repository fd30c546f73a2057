import { recomputeReceipts } from '#receipts/usecases/recompute-receipts.js';
import { openEvents } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { openPrices } from '../open-prices.js';
import { readOptions } from '../options.js';
import { EXIT, formatTable, UsageError } from '../output.js';
import { readPeriod } from '../period.js';

/**
 * `nextmodel audit recompute`: every cost in the log again, by the price record it names. Exit 1 when one differs.
 */
export async function recompute(words: readonly string[]): Promise<number> {
  const { options, names } = readOptions(words, ['from', 'to', 'tenant']);
  if (names.length > 0)
    throw new UsageError('usage: nextmodel audit recompute [--from <day>] [--to <day>] [--tenant <id>]');
  const { from, to, tenant } = options;
  const window = { ...readPeriod(from, to, Date.now()), ...(tenant === undefined ? {} : { tenantId: tenant }) };
  const settings = requireSettings();
  const reader = await openEvents(settings);
  try {
    const book = await openPrices(settings, reader);
    const result = await recomputeReceipts(reader, window, (hash) => book.recordText(hash));
    const { receipts, attempts, priced, priceRecords, mismatches, shown } = result;
    const heads = ['receipts', 'attempts', 'priced', 'price_records', 'mismatches'];
    process.stdout.write(`${formatTable(heads, [[receipts, attempts, priced, priceRecords, mismatches]])}\n`);
    if (shown.length > 0) {
      const rows = shown.map((one) => [one.receiptId, one.n, one.what, one.recorded, one.recomputed]);
      process.stdout.write(`${formatTable(['receipt_id', 'n', 'what', 'recorded', 'recomputed'], rows)}\n`);
    }
    return mismatches === 0 ? EXIT.ok : EXIT.wrong;
  } finally {
    await reader.close();
  }
}
