import { picoToDecimal } from '#events/domain/money.js';
import { rerateReceipts, type RerateRow } from '#receipts/usecases/rerate-receipts.js';
import { openEventDesk, openEvents, type EventDesk } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { openPrices, priceDesk, type PriceDesk } from '../open-prices.js';
import { readOptions } from '../options.js';
import { EXIT, formatTable, UsageError } from '../output.js';
import { readPeriod } from '../period.js';

const USAGE =
  'usage: nextmodel rerate --from <day> [--to <day>] [--tenant <id>] [--prices <file>] [--dry-run]\nPrices the receipts of a period again; differences become adjustments, receipts stay as they are.';

/** `nextmodel rerate`: old meters at the present prices, or at those of a file. A second run writes nothing. */
export async function run(words: readonly string[]): Promise<number> {
  const { options, names, flags } = readOptions(words, ['from', 'to', 'tenant', 'prices'], ['dry-run']);
  const { from, to, tenant, prices: file } = options;
  if (names.length > 0 || from === undefined) throw new UsageError(USAGE);
  const window = { ...readPeriod(from, to, Date.now()), ...(tenant === undefined ? {} : { tenantId: tenant }) };
  const settings = requireSettings();
  const reader = await openEvents(settings);
  const dry = flags.has('dry-run');
  let desk: EventDesk | null = null;
  try {
    const prices = priceDesk(settings, await openPrices(settings, reader), file ?? null);
    desk = dry ? null : await openEventDesk(settings);
    const rows = await rerateReceipts({
      reader,
      window,
      priceAgain: (receipt, attempt) => prices.priceAgain(receipt, attempt),
      adjustedAt: new Date().toISOString(),
      ...(desk === null ? {} : { append: appendTo(desk, prices) }),
    });
    process.stdout.write(`${showRows(rows)}\n`);
    const changed = rows.reduce((total, row) => total + row.changed, 0);
    process.stdout.write(dry ? `${changed} adjustments would be written.\n` : `${changed} adjustments were written.\n`);
    return EXIT.ok;
  } finally {
    await desk?.close();
    await reader.close();
  }
}

/** The records used go into the log first, so that every adjustment can be computed again from it. */
function appendTo(desk: EventDesk, prices: PriceDesk) {
  const published = new Set<string>();
  return async (adjustments: Parameters<EventDesk['adjust']>[0], hashes: ReadonlySet<string>): Promise<void> => {
    const fresh = [...hashes].filter((hash) => !published.has(hash));
    await desk.publishPrices(
      fresh.flatMap((priceHash) => {
        const record = prices.recordText(priceHash);
        published.add(priceHash);
        return record === null
          ? []
          : [{ priceId: (JSON.parse(record) as { priceId: string }).priceId, priceHash, record }];
      }),
    );
    await desk.adjust(adjustments);
  };
}

function showRows(rows: readonly RerateRow[]): string {
  const cells = rows.map((row) => [
    row.provider,
    row.model,
    row.receipts,
    row.changed,
    row.newlyPriced,
    row.stillUnpriced,
    picoToDecimal(row.before),
    picoToDecimal(row.after),
    picoToDecimal(row.after - row.before),
  ]);
  const total = (pick: (row: RerateRow) => bigint): string =>
    picoToDecimal(rows.reduce((all, row) => all + pick(row), 0n));
  const count = (pick: (row: RerateRow) => number): number => rows.reduce((all, row) => all + pick(row), 0);
  cells.push([
    'total',
    '',
    count((row) => row.receipts),
    count((row) => row.changed),
    count((row) => row.newlyPriced),
    count((row) => row.stillUnpriced),
    total((row) => row.before),
    total((row) => row.after),
    total((row) => row.after - row.before),
  ]);
  const heads = ['provider', 'model', 'receipts', 'changed', 'newly_priced', 'still_unpriced'];
  return formatTable([...heads, 'before_usd', 'after_usd', 'delta_usd'], cells);
}
