import { mkdirSync } from 'node:fs';
import type { Session } from 'chdb';
import { schemaStatements } from '../../domain/ddl.js';
import { IncomingFiles } from './incoming-file.js';
import { SqlError, sqlErrorFrom } from './sql-error.js';

export interface EngineQuery {
  readonly sql: string;
  /** Rows of an INSERT; `null` when the statement stands alone. */
  readonly body: Buffer | null;
  /** Output format unless the query names one. */
  readonly format: string;
  readonly database: string;
  readonly settings: ReadonlyMap<string, string>;
  /** `{name:Type}` parameters in ClickHouse's escaped text form. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly queryId: string;
}

export interface EngineResult {
  readonly bytes: Uint8Array;
  readonly readRows: number;
  readonly readBytes: number;
  readonly writtenRows: number;
  readonly writtenBytes: number;
  readonly elapsedNs: number;
}

const INSERT = /^\s*INSERT\s+INTO\s+(?:TABLE\s+)?([\w.]+)\s*(?:\(([\w\s,`"]*)\))?\s*FORMAT\s+(\w+)\s*$/i;
const RAW_FORMATS = new Set(['JSONEachRow', 'JSONCompactEachRow', 'TabSeparated', 'TSV', 'CSV']);

/**
 * ClickHouse inside this process. Every query gets a connection of its own (0.3 ms): settings, parameters and the
 * current database stick to a connection in chdb, so sharing one would let an insert's token swallow the next insert.
 */
export class EmbeddedEngine {
  readonly #dataDir: string;
  readonly #control: Session;
  readonly #open: () => Session;
  readonly #drain: () => Promise<void>;
  readonly #incoming: IncomingFiles;

  private constructor(dataDir: string, open: () => Session, control: Session, drain: () => Promise<void>) {
    this.#dataDir = dataDir;
    this.#open = open;
    this.#control = control;
    this.#drain = drain;
    this.#incoming = new IncomingFiles(dataDir);
  }

  /**
   * @throws an error of `import` when chdb is not installed (code ERR_MODULE_NOT_FOUND or its loader's message),
   *   an error of the engine when the folder cannot be opened.
   */
  static async open(dataDir: string): Promise<EmbeddedEngine> {
    const { Session: SessionClass, drainPending } = await import('chdb');
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const open = (): Session => new SessionClass(dataDir);
    const control = open();
    control.query('CREATE DATABASE IF NOT EXISTS nextmodel ENGINE = Atomic');
    const engine = new EmbeddedEngine(dataDir, open, control, drainPending);
    engine.#makeTables();
    return engine;
  }

  /** So that whoever is told "ready" finds tables. Older ones are left to the ingester, which migrates them. */
  #makeTables(): void {
    const found = this.#control
      .query("SELECT count() FROM system.tables WHERE database = 'nextmodel'", 'TSVRaw')
      .trim();
    if (found !== '0') return;
    for (const statement of schemaStatements()) this.#control.query(statement);
  }

  get dataDir(): string {
    return this.#dataDir;
  }

  version(): string {
    return this.#control.query('SELECT version()', 'TSVRaw').trim();
  }

  tableFunctions(): string[] {
    return this.#control.query('SELECT name FROM system.table_functions', 'TSVRaw').trim().split('\n');
  }

  /** @throws SqlError with ClickHouse's code. */
  async run(query: EngineQuery): Promise<EngineResult> {
    const connection = this.#open();
    try {
      this.#prepare(connection, query);
      if (query.body !== null && query.body.length > 0) {
        return await insertRows(connection, query.sql, query.body, this.#incoming);
      }
      const result = await connection.queryAsync(query.sql, { format: query.format });
      return {
        bytes: result.bytes(),
        readRows: result.rowsRead,
        readBytes: result.bytesRead,
        writtenRows: 0,
        writtenBytes: 0,
        elapsedNs: Math.round(result.elapsed * 1e9),
      };
    } catch (error) {
      throw sqlErrorFrom(error);
    } finally {
      connection.close();
    }
  }

  #prepare(connection: Session, query: EngineQuery): void {
    connection.query(`USE ${quoteName(query.database)}`);
    const assignments = [`log_comment = ${quote(query.queryId)}`];
    for (const [name, value] of query.parameters) assignments.push(`${checkedName(`param_${name}`)} = ${quote(value)}`);
    for (const [name, value] of query.settings) {
      if (name !== 'readonly') assignments.push(`${checkedName(name)} = ${quote(value)}`);
    }
    // last, because nothing can be set once it is on
    const readonly = query.settings.get('readonly');
    if (readonly !== undefined) assignments.push(`readonly = ${quote(readonly)}`);
    connection.query(`SET ${assignments.join(', ')}`);
  }

  /** Asks the engine to stop a query whose client has gone. */
  cancel(queryId: string): void {
    try {
      this.#control.query(`KILL QUERY WHERE Settings['log_comment'] = ${quote(queryId)} ASYNC`);
    } catch {
      // it had ended already
    }
  }

  async close(): Promise<void> {
    this.#control.close();
    await this.#drain();
  }
}

async function insertRows(
  connection: Session,
  sql: string,
  body: Buffer,
  incoming: IncomingFiles,
): Promise<EngineResult> {
  const parts = INSERT.exec(sql);
  const table = parts?.[1];
  const format = parts?.[3];
  if (table !== undefined && format === 'RowBinary') {
    const columns = parts?.[2] === undefined ? '' : `(${parts[2]})`;
    return incoming.with(body, async (path) => {
      const statement = `INSERT INTO ${table} ${columns} FROM INFILE ${quote(path)} FORMAT RowBinary`;
      const result = await connection.queryAsync(statement, { format: 'TabSeparated' });
      return writeResult(result.rowsRead, result.bytesRead, result.elapsed, new Uint8Array());
    });
  }
  if (table === undefined || format === undefined || !RAW_FORMATS.has(format)) {
    const text = Buffer.concat([Buffer.from(`${sql}\n`), body]).toString('utf8');
    const result = await connection.queryAsync(text, { format: 'TabSeparated' });
    return writeResult(result.rowsRead, result.bytesRead, result.elapsed, result.bytes());
  }
  const columns = parts?.[2]?.split(',').map((column) => column.trim().replaceAll(/[`"]/g, ''));
  const summary = await connection.insert({
    table,
    values: body,
    format: format as 'JSONEachRow',
    ...(columns !== undefined && { columns }),
  });
  return writeResult(summary.rowsWritten, summary.bytesWritten, summary.elapsed, new Uint8Array());
}

function writeResult(rows: number, bytes: number, elapsed: number, out: Uint8Array): EngineResult {
  return {
    bytes: out,
    readRows: rows,
    readBytes: bytes,
    writtenRows: rows,
    writtenBytes: bytes,
    elapsedNs: Math.round(elapsed * 1e9),
  };
}

function checkedName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new SqlError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`);
  return name;
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const quoteName = (text: string): string => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) {
    throw new SqlError(81, 'UNKNOWN_DATABASE', `Database ${text} does not exist`);
  }
  return `\`${text}\``;
};
