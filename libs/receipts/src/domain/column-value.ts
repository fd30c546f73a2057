/** A value that its column cannot hold: the event is at fault, no retry helps. */
export class ColumnError extends Error {
  constructor(column: string, problem: string) {
    super(`${column}: ${problem}`);
    this.name = 'ColumnError';
  }
}

/** Decimal64(12) holds less than a million. */
const PICO_LIMIT = 10n ** 18n;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** Text as UTF-8 can hold it: a lone surrogate becomes U+FFFD. `null` becomes empty. */
export function textCell(column: string, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') throw new ColumnError(column, 'not a text');
  return value.isWellFormed() ? value : value.toWellFormed();
}

export function uuidCell(column: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return NO_UUID;
  if (typeof value !== 'string' || !UUID.test(value)) throw new ColumnError(column, 'not a UUID');
  return value.toLowerCase();
}

/** ISO 8601 with milliseconds → milliseconds since 1970. */
export function timeCell(column: string, value: unknown): number {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  // DateTime64 of ClickHouse ends in 2299, our partitions start with 1970
  if (!(ms >= 0 && ms < 10_000_000_000_000)) throw new ColumnError(column, 'not a time');
  return ms;
}

export function countCell(column: string, value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw new ColumnError(column, 'not a count');
  return Math.min(Math.round(value), max);
}

export function maybeCell<T>(value: unknown, cell: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : cell(value);
}

/** `YYYY-MM-DD` → days since 1970. */
export function dayCell(column: string, value: unknown): number {
  const ms = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number.NaN;
  const day = ms / 86_400_000;
  if (!(day >= 0 && day <= 65_535)) throw new ColumnError(column, 'not a day');
  return day;
}

/** Picodollars as text: what a decimal with twelve places holds. */
export function moneyCell(column: string, value: unknown): bigint {
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) throw new ColumnError(column, 'not an amount');
  const pico = BigInt(value);
  if (pico >= PICO_LIMIT || pico <= -PICO_LIMIT) throw new ColumnError(column, 'a million dollars or more');
  return pico;
}

/** 10^-9 units as text: what a decimal with nine places holds. */
export function nanoCell(column: string, value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,18}$/.test(value)) throw new ColumnError(column, 'not a rate');
  return BigInt(value);
}

/** Hex digits for a FixedString of `bytes` bytes. */
export function hexCell(column: string, value: unknown, bytes: number): string {
  if (value === null || value === undefined || value === '') return '';
  if (typeof value !== 'string' || value.length !== bytes * 2 || !/^[0-9a-f]*$/i.test(value)) {
    throw new ColumnError(column, `not ${bytes} bytes in hex`);
  }
  return value;
}

export function enumCell(column: string, value: unknown, names: Readonly<Record<string, number>>): number {
  if (typeof value !== 'string' || !Object.hasOwn(names, value)) throw new ColumnError(column, 'an unknown value');
  return names[value] as number;
}

export function textsCell(column: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new ColumnError(column, 'not a list');
  return value.map((item) => textCell(column, item));
}

export function textMapCell(column: string, value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) throw new ColumnError(column, 'not a map');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [textCell(column, key), textCell(column, item)]),
  );
}

export function countMapCell(column: string, value: unknown): Readonly<Record<string, number>> {
  if (typeof value !== 'object' || value === null) throw new ColumnError(column, 'not a map');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      textCell(column, key),
      countCell(column, item, Number.MAX_SAFE_INTEGER),
    ]),
  );
}
