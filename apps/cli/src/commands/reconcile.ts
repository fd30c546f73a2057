import { readFile } from 'node:fs/promises';
import { picoToDecimal } from '#events/domain/money.js';
import { RouterError } from '#events/domain/router-error.js';
import { parseInvoice } from '#receipts/domain/invoice.js';
import { reconcileReceipts } from '#receipts/usecases/reconcile-receipts.js';
import { openEvents } from '../event-desk.js';
import { requireSettings } from '../load-settings.js';
import { readOptions } from '../options.js';
import { EXIT, formatTable, UsageError } from '../output.js';
import { reconcileWithBooks } from '../reconcile-generations.js';

const USAGE = `usage: nextmodel reconcile <invoice.csv|json> [--provider <name>] [--tolerance <thousandths, default 5>]
       nextmodel reconcile --generations --from <day> [--to <day>] [--tenant <id>] [--adjust]`;

/**
 * `nextmodel reconcile`: drift between a provider's invoice and our receipts by model and day, or with `--generations`
 * between OpenRouter's books and each call. `--adjust` corrects what receipts had to estimate. Exit 1 with drift.
 */
export async function run(words: readonly string[]): Promise<number> {
  const { options, names, flags } = readOptions(
    words,
    ['tolerance', 'provider', 'from', 'to', 'tenant'],
    ['generations', 'adjust'],
  );
  if (flags.has('generations')) {
    const { from, to, tenant } = options;
    if (names.length > 0 || from === undefined || options['tolerance'] !== undefined) throw new UsageError(USAGE);
    return reconcileWithBooks(requireSettings(), { from, to, tenant }, flags.has('adjust'));
  }
  if (flags.size > 0 || options['from'] !== undefined || options['to'] !== undefined) throw new UsageError(USAGE);
  const [file, ...rest] = names;
  const tolerance = options['tolerance'] ?? '5';
  if (file === undefined || rest.length > 0 || !/^\d{1,3}$/.test(tolerance)) throw new UsageError(USAGE);
  const { lines, problems } = parseInvoice(await readText(file), options['provider']);
  if (problems.length > 0) {
    throw new RouterError({
      code: 'configuration',
      publicMessage: 'The invoice has problems.',
      detail: problems.map(({ row, message }) => `${file}: row ${row}: ${message}`).join('\n'),
    });
  }
  const reader = await openEvents(requireSettings());
  try {
    const rows = await reconcileReceipts(reader, lines, BigInt(tolerance));
    const cells = rows.map((row) => [
      row.day,
      row.provider,
      row.model,
      row.attempts,
      row.invoiceTokens?.toString() ?? '',
      row.ourTokens.toString(),
      picoToDecimal(row.invoiceCost),
      picoToDecimal(row.ourCost),
      picoToDecimal(row.ourCost - row.invoiceCost),
      row.cause === 'none' ? '' : row.cause,
    ]);
    const heads = ['day', 'provider', 'model', 'attempts', 'invoice_tokens', 'our_tokens'];
    process.stdout.write(`${formatTable([...heads, 'invoice_usd', 'our_usd', 'drift_usd', 'likely_cause'], cells)}\n`);
    return rows.every(({ cause }) => cause === 'none') ? EXIT.ok : EXIT.wrong;
  } finally {
    await reader.close();
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new RouterError({ code: 'configuration', publicMessage: `${file} cannot be read (${code})` });
  }
}
