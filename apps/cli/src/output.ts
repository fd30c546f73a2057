import { RouterError } from '#events/domain/router-error.js';

export const EXIT = { ok: 0, wrong: 1, usage: 2, unreachable: 69, configuration: 78 } as const;

/** Says what went wrong on stderr. @returns the exit code for it. */
export function fail(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`nextmodel: ${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof RouterError) {
    process.stderr.write(`nextmodel: ${error.message}\n`);
    if (error.code === 'configuration') return EXIT.configuration;
    const unreachable = [
      'data_directory_owned',
      'port_in_use',
      'store_unavailable',
      'upstream_unavailable',
      'receipt_log_unavailable',
    ];
    return unreachable.includes(error.code) ? EXIT.unreachable : EXIT.wrong;
  }
  process.stderr.write(`nextmodel: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.wrong;
}

/** The command line was not understood. */
export class UsageError extends Error {}

/** Maps and arrays of SQL as JSON, everything else as it reads. */
function showCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A table for people: columns padded, numbers to the right. */
export function formatTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => row.map((value) => showCell(value)));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const numeric = columns.map((_, index) => cells.every((row) => /^-?[\d.]*$/.test(row[index] ?? '')));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) =>
        numeric[index] === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

function quoteCsv(value: unknown): string {
  const text = showCell(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function formatCsv(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return [columns.map(quoteCsv).join(','), ...rows.map((row) => row.map(quoteCsv).join(','))].join('\n');
}

/** One line that is written over on a terminal, and a line every few seconds elsewhere. */
export class ProgressBar {
  #lastMs = 0;

  constructor(private readonly label: string) {}

  show(done: number, total: number, note = ''): void {
    if (total === 0) return;
    const tty = process.stderr.isTTY === true;
    const now = Date.now();
    const finished = done >= total;
    if (!finished && now - this.#lastMs < (tty ? 100 : 2_000)) return;
    this.#lastMs = now;
    const share = Math.min(1, done / total);
    const filled = Math.round(share * 30);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(30 - filled)}`;
    const text = `${this.label} ${bar} ${Math.floor(share * 100)} %  ${done} of ${total}${note === '' ? '' : `  ${note}`}`;
    process.stderr.write(tty ? `\r\u001B[K${text}` : `${text}\n`);
  }

  end(): void {
    if (process.stderr.isTTY === true) process.stderr.write('\n');
  }
}
