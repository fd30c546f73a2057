/** An error as a ClickHouse server reports it: a number, a name, a text. */
export class SqlError extends Error {
  readonly code: number;
  readonly codeName: string;

  constructor(code: number, codeName: string, message: string) {
    super(message);
    this.name = 'SqlError';
    this.code = code;
    this.codeName = codeName;
  }

  /** The body of the HTTP answer, in the shape that clients parse. */
  toBody(): string {
    return `Code: ${this.code}. DB::Exception: ${this.message.replace(/\.?$/, '.')} (${this.codeName})\n`;
  }
}

/** Reads the code and name out of what the engine threw. */
export function sqlErrorFrom(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const code = /Code: (\d+)/.exec(text)?.[1];
  const name = [...text.matchAll(/\(([A-Z][A-Z0-9_]{2,})\)/g)].at(-1)?.[1];
  const message = text
    .replaceAll(/Query failed: |Code: \d+\. |DB::Exception: /g, '')
    .replaceAll(/ ?\(version [\d.]+\)\.?/g, '')
    .replaceAll(/ ?\([A-Z][A-Z0-9_]{2,}\)\.?/g, '')
    .trim();
  return new SqlError(Number(code ?? 1002), name ?? 'UNKNOWN_EXCEPTION', message);
}

const BAD_REQUEST = new Set([6, 26, 27, 33, 36, 38, 41, 42, 43, 53, 62, 69, 70, 72, 115, 117, 130, 131, 456, 457]);
const NOT_FOUND = new Set([16, 46, 47, 60, 81]);
const FORBIDDEN = new Set([164, 192, 193, 497, 516]);

/** The status that a ClickHouse server sends with a code; 500 for the rest. */
export function httpStatusOf(code: number): number {
  if (FORBIDDEN.has(code)) return 403;
  if (NOT_FOUND.has(code)) return 404;
  if (BAD_REQUEST.has(code)) return 400;
  if (code === 159) return 408;
  if (code === 202 || code === 210) return 503;
  return 500;
}
