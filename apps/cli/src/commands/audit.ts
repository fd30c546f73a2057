import { openClickhouseStore, readAudits } from '#receipts/receipts.module.js';
import { runAudit } from '#receipts/usecases/run-audit.js';
import { requireSettings } from '../load-settings.js';
import { openSql } from '../open-sql.js';
import { EXIT, formatCsv, formatTable, UsageError } from '../output.js';
import { readOptions } from '../options.js';
import { auditRollups } from './audit-rollups.js';
import { recompute } from './recompute.js';

const FORMATS = ['table', 'json', 'csv'];

/** `nextmodel audit [name] [--format table|json|csv] [--<parameter> value]`; without a name the audits are listed. `recompute` reads the log, `rollups` compares the sums by day. */
export async function run(words: readonly string[]): Promise<number> {
  if (words[0] === 'recompute') return recompute(words.slice(1));
  if (words[0] === 'rollups') return auditRollups(words.slice(1));
  const audits = await readAudits();
  const parameters = [...new Set(audits.flatMap((audit) => audit.parameters.map((parameter) => parameter.name)))];
  const { options, names } = readOptions(words, ['format', ...parameters]);
  const { format = 'table', ...given } = options;
  if (names.length > 1 || !FORMATS.includes(format)) {
    throw new UsageError(`usage: nextmodel audit [name] [--format ${FORMATS.join('|')}]`);
  }
  const [name] = names;
  if (name === undefined) {
    const rows = audits.map((audit) => [
      audit.name,
      audit.title,
      audit.parameters.map((parameter) => `--${parameter.name}`).join(' '),
    ]);
    process.stdout.write(`${formatTable(['audit', 'answers', 'parameters'], rows)}\n`);
    return EXIT.ok;
  }
  const sql = await openSql(requireSettings());
  const store = openClickhouseStore(sql.connection);
  try {
    const chosen = Object.fromEntries(
      Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    const { columns, rows } = await runAudit(store, audits, name, chosen);
    const heads = columns.map((column) => column.name);
    if (format === 'csv') process.stdout.write(`${formatCsv(heads, rows)}\n`);
    else if (format === 'table') process.stdout.write(`${formatTable(heads, rows)}\n`);
    else
      process.stdout.write(
        `${JSON.stringify(
          rows.map((row) => Object.fromEntries(heads.map((head, at) => [head, row[at]]))),
          null,
          2,
        )}\n`,
      );
    return EXIT.ok;
  } finally {
    await store.close();
    await sql.close();
  }
}
