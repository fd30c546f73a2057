import { openClickhouseStore } from '#receipts/receipts.module.js';
import { checkRollups } from '#receipts/usecases/check-rollups.js';
import { requireSettings } from '../load-settings.js';
import { openSql } from '../open-sql.js';
import { readOptions } from '../options.js';
import { EXIT, formatTable, UsageError } from '../output.js';

/**
 * `nextmodel audit rollups [--repair]`: every row of the rollups against the receipts. Exit 1 when a day differs and is
 * not repaired. While an instance owns the embedded engine only its ingester may write, and repairs at night.
 */
export async function auditRollups(words: readonly string[]): Promise<number> {
  const { names, flags } = readOptions(words, [], ['repair']);
  if (names.length > 0) throw new UsageError('usage: nextmodel audit rollups [--repair]');
  const sql = await openSql(requireSettings());
  const store = openClickhouseStore(sql.connection);
  try {
    const mayWrite = sql.connection.username !== 'audit';
    const repair = flags.has('repair') && mayWrite;
    if (flags.has('repair') && !mayWrite) {
      process.stderr.write(
        'The running instance repairs its rollups itself, at NEXTMODEL_ROLLUP_CHECK_AT; only compared.\n',
      );
    }
    if (mayWrite) await store.migrate();
    const { days, drifts } = await checkRollups(store.rollups, repair);
    if (drifts.length > 0) {
      const rows = drifts.map(({ day, rollup, requests, requestsRight }) => [day, rollup, requests, requestsRight]);
      process.stdout.write(`${formatTable(['day', 'rollup', 'requests', 'of_receipts'], rows)}\n`);
    }
    const outcome = drifts.length === 0 ? 'all agree with the receipts' : repair ? 'repaired' : 'not repaired';
    process.stdout.write(`${days} days, ${drifts.length} drifts: ${outcome}.\n`);
    return drifts.length === 0 || repair ? EXIT.ok : EXIT.wrong;
  } finally {
    await store.close();
    await sql.close();
  }
}
