import { FOCUS_COLUMNS } from '#receipts/domain/focus-rows.js';
import { exportFocus } from '#receipts/usecases/export-focus.js';
import { openEvents } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { readOptions } from '../options.js';
import { EXIT, formatCsv, UsageError } from '../output.js';
import { readPeriod } from '../period.js';

const USAGE = 'usage: nextmodel export focus --from <day> [--to <day>] [--tenant <id>] [--format csv|json]';

/** `nextmodel export focus`: usage as FOCUS 1.2 on stdout, a row for each day, key, model, meter and price. */
export async function run(words: readonly string[]): Promise<number> {
  const { options, names } = readOptions(words, ['from', 'to', 'tenant', 'format']);
  const { from, to, tenant, format = 'csv' } = options;
  if (names.length !== 1 || names[0] !== 'focus' || from === undefined || !['csv', 'json'].includes(format)) {
    throw new UsageError(USAGE);
  }
  const window = { ...readPeriod(from, to, Date.now()), ...(tenant === undefined ? {} : { tenantId: tenant }) };
  const reader = await openEvents(requireSettings());
  try {
    const rows = await exportFocus(reader, window);
    const text =
      format === 'json'
        ? JSON.stringify(rows, null, 2)
        : formatCsv(
            FOCUS_COLUMNS,
            rows.map((row) => FOCUS_COLUMNS.map((column) => row[column])),
          );
    process.stdout.write(`${text}\n`);
    return EXIT.ok;
  } finally {
    await reader.close();
  }
}
