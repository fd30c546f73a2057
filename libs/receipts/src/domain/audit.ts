export interface AuditParameter {
  readonly name: string;
  /** ClickHouse type. */
  readonly type: string;
  readonly defaultValue: string;
  readonly meaning: string;
}

/** A question to the receipts, kept as a SQL file that any ClickHouse client can run. */
export interface Audit {
  /** File name without `.sql`: `01-daily-spend`. */
  readonly name: string;
  readonly title: string;
  readonly parameters: readonly AuditParameter[];
  readonly sql: string;
}

const PARAMETER = /^-- @param (\w+) (\S+) = (?:'([^']*)'|(\S+))(?: -- (.*))?$/;

/** Reads the head of an audit file: its first comment line is the title, `-- @param` lines name the parameters. Pure. */
export function parseAudit(name: string, text: string): Audit {
  const lines = text.split('\n');
  const parameters: AuditParameter[] = [];
  for (const line of lines) {
    const match = PARAMETER.exec(line);
    if (match === null) continue;
    const [, parameter = '', type = '', quoted, bare, meaning = ''] = match;
    parameters.push({ name: parameter, type, defaultValue: quoted ?? bare ?? '', meaning });
  }
  const title = (lines[0] ?? '').replace(/^-- ?/, '');
  return { name, title, parameters, sql: text };
}

/** By full name, number (`1`, `01`) or the name without its number. */
export function findAudit(audits: readonly Audit[], name: string): Audit | null {
  const wanted = name.replace(/\.sql$/, '');
  const number = /^\d+$/.test(wanted) ? `${wanted.padStart(2, '0')}-` : null;
  return (
    audits.find(
      (audit) =>
        audit.name === wanted ||
        audit.name.replace(/^\d+-/, '') === wanted ||
        (number !== null && audit.name.startsWith(number)),
    ) ?? null
  );
}
