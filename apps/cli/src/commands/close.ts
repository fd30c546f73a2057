import { closeMonth } from '#receipts/usecases/close-month.js';
import { openEvents } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { readOptions } from '../options.js';
import { EXIT, formatTable, UsageError } from '../output.js';
import { readMonth } from '../period.js';

const USAGE = 'usage: nextmodel close <YYYY-MM> [--tenant <id>] [--format json|table] [--draft]';

/**
 * `nextmodel close`: the statement of a month by tenant and key. Run again it is the same, byte for byte; corrections
 * stand in the statement of the month they are made in. `--draft` shows a month that is not over.
 */
export async function run(words: readonly string[]): Promise<number> {
  const { options, names, flags } = readOptions(words, ['tenant', 'format'], ['draft']);
  const [month, ...rest] = names;
  const { tenant, format = 'json' } = options;
  if (month === undefined || rest.length > 0 || !['json', 'table'].includes(format)) throw new UsageError(USAGE);
  const period = readMonth(month);
  const draft = flags.has('draft');
  if (!draft && Date.now() < period.toMs) throw new UsageError(`${month} is not over; see it with --draft`);
  const reader = await openEvents(requireSettings());
  try {
    const tenants = await closeMonth(reader, period, tenant);
    if (format === 'json') {
      const statement = {
        format: 'nextmodel-statement/1',
        month,
        ...(draft ? { draft } : {}),
        currency: 'USD',
        tenants,
      };
      process.stdout.write(`${JSON.stringify(statement, null, 2)}\n`);
      return EXIT.ok;
    }
    const rows = tenants.flatMap((one) => [
      ...one.charges.map((charge) => [
        one.tenant_id,
        charge.api_key_id,
        `${charge.provider}/${charge.model}`,
        charge.requests,
        charge.unpriced_requests,
        charge.cost_usd ?? 'unknown',
      ]),
      ...one.adjustments.map((correction) => [
        one.tenant_id,
        correction.api_key_id,
        `${correction.reason} of ${correction.of_month}`,
        correction.count,
        -correction.newly_priced_requests,
        correction.delta_usd,
      ]),
      [one.tenant_id, 'total', '', '', one.unpriced_requests, one.total_usd],
    ]);
    process.stdout.write(`${formatTable(['tenant', 'key', 'for', 'count', 'unpriced', 'usd'], rows)}\n`);
    return EXIT.ok;
  } finally {
    await reader.close();
  }
}
