import type { Receipt } from '#events/domain/receipt.js';
import { good, unknown, wrong, type Finding } from '#transparency/domain/finding.js';
import type { SqlReading } from './evidence.js';

const SHOWN_MAX = 80;
const DIFFERENCES_MAX = 20;
/** Fields of the event that have no column: whoever compares bodies reads the event itself. */
const NOT_IN_SQL: ReadonlySet<string> = new Set<keyof Receipt>(['saltKeyId']);

/**
 * Says the view in SQL what the log says? SQL is what people report from, and it can be edited; the log cannot without
 * being found out. Each difference names its field.
 */
export function checkSql(receipt: Receipt, sql: SqlReading): readonly Finding[] {
  if (sql.state === 'missing') {
    return [wrong('sql', `receipt ${receipt.receiptId} is in the log, but SQL has no such row`)];
  }
  if (sql.state === 'unavailable') return [unknown('sql', 'SQL was not asked, or did not answer')];
  const differences: string[] = [];
  compare(receipt, sql.receipt, '', differences);
  if (differences.length === 0) return [good('sql', 'the rows in SQL say the same, field by field')];
  return differences
    .slice(0, DIFFERENCES_MAX)
    .map((difference) => wrong('sql', `receipt ${receipt.receiptId}: ${difference}`));
}

function compare(log: unknown, sql: unknown, path: string, differences: string[]): void {
  if (isEmpty(log) && isEmpty(sql)) return;
  if (typeof log === 'object' && log !== null && typeof sql === 'object' && sql !== null) {
    const names = new Set([...Object.keys(log), ...Object.keys(sql)]);
    for (const name of names) {
      if (path === '' && NOT_IN_SQL.has(name)) continue;
      const inner = Array.isArray(log) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
      compare((log as Values)[name], (sql as Values)[name], inner, differences);
    }
    return;
  }
  if (log !== sql) differences.push(`${path} is ${show(log)} here, but ${show(sql)} in SQL`);
}
type Values = Readonly<Record<string, unknown>>;

/** SQL keeps empty texts where the event has `null`, and no meters that are zero. */
const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === '' || value === 0;

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
