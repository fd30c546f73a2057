import { UsageError } from './output.js';

export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * `--from` and `--to` (or by other names) as times of UTC: a day, a month or an ISO 8601 time; from inclusive, to exclusive.
 * @throws UsageError for what is no time, or an end before its start.
 */
export function readPeriod(
  from: string | undefined,
  to: string | undefined,
  nowMs: number,
  names = { from: 'from', to: 'to' },
): Period {
  const period = {
    fromMs: from === undefined ? 0 : readTime(names.from, from),
    toMs: to === undefined ? nowMs + 1 : readTime(names.to, to),
  };
  if (period.toMs <= period.fromMs) throw new UsageError(`--${names.to} must be after --${names.from}`);
  return period;
}

/** `2026-11` → its first moment and that of the next month. */
export function readMonth(text: string): Period {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text);
  if (match === null) throw new UsageError(`"${text}" is no month such as 2026-11`);
  const [year, month] = [Number(match[1]), Number(match[2])];
  return { fromMs: Date.UTC(year, month - 1), toMs: Date.UTC(year, month) };
}

function readTime(name: string, text: string): number {
  if (/^\d{4}-\d\d$/.test(text)) return readMonth(text).fromMs;
  const ms = /^\d{4}-\d\d-\d\d(T.*Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`--${name}: "${text}" is no day such as 2026-11-01, nor a time in UTC`);
  return ms;
}
