import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { formatOfSql, guardReadOnlySql } from '../../domain/sql-guard.js';
import { auditSettings } from './audit-settings.js';
import type { EmbeddedEngine, EngineQuery, EngineResult } from './embedded-engine.js';
import { QueryGate } from './query-gate.js';
import { httpStatusOf, SqlError, sqlErrorFrom } from './sql-error.js';
import { authenticate, readSqlRequest, type SqlRequest, type SqlUser } from './sql-request.js';

export interface SqlServerOptions {
  readonly passwords: Readonly<Record<SqlUser, string>>;
  /** `null` until the engine is open: queries are answered with 503 until then. */
  engine(): EmbeddedEngine | null;
}

const BODY_BYTES_MAX: Readonly<Record<SqlUser, number>> = { audit: 1_000_000, ingest: 256_000_000 };
const compress = promisify(gzip);

/** The ClickHouse HTTP protocol over an embedded engine; not yet listening. */
export function createSqlServer(options: SqlServerOptions): Server {
  const gates: Readonly<Record<SqlUser, QueryGate>> = { audit: new QueryGate(3, 64), ingest: new QueryGate(4, 256) };
  let tableFunctions: readonly string[] | null = null;
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => sendError(response, sqlErrorFrom(error), ''));
  });
  server.keepAliveTimeout = 30_000;
  server.requestTimeout = 120_000;
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const engine = options.engine();
    if (request.method !== 'GET' && request.method !== 'POST' && request.method !== 'HEAD') {
      return sendText(response, 405, 'Only GET, HEAD and POST\n');
    }
    if (url.pathname === '/ping' || url.pathname === '/replicas_status') {
      return sendText(response, engine === null ? 503 : 200, engine === null ? 'starting\n' : 'Ok.\n');
    }
    if (url.pathname !== '/') return sendText(response, 404, 'There is no such path; queries go to /\n');
    if (request.method !== 'POST' && !url.searchParams.has('query')) return sendText(response, 200, 'Ok.\n');
    const user = authenticate(request, url, options.passwords);
    if (user === null) {
      throw new SqlError(516, 'AUTHENTICATION_FAILED', 'Authentication failed: password is incorrect, or no such user');
    }
    if (engine === null) throw new SqlError(210, 'NETWORK_ERROR', 'The SQL engine is starting');
    const asked = await readSqlRequest(request, url, BODY_BYTES_MAX[user]);
    const query = user === 'audit' ? restricted(asked, engine) : full(asked);
    const result = await gates[user].run(() => runUnlessGone(engine, query, response));
    await sendResult(response, asked, query, result);
  }

  function restricted(asked: SqlRequest, engine: EmbeddedEngine): EngineQuery {
    tableFunctions ??= engine.tableFunctions();
    const verdict = guardReadOnlySql(asked.sql, tableFunctions);
    if (!verdict.ok) throw new SqlError(verdict.code, verdict.name, verdict.reason);
    const database = asked.database ?? 'nextmodel';
    if (!['nextmodel', 'default', 'information_schema', 'INFORMATION_SCHEMA'].includes(database)) {
      throw new SqlError(497, 'ACCESS_DENIED', `The database ${database} is not readable`);
    }
    // the database `default` of this engine would look for files
    return { ...full(asked), database: 'nextmodel', body: null, settings: auditSettings(asked.settings) };
  }
}

function full(asked: SqlRequest): EngineQuery {
  return {
    sql: asked.sql,
    body: asked.body,
    format: asked.format,
    database: asked.database ?? 'default',
    settings: asked.settings,
    parameters: asked.parameters,
    queryId: asked.queryId,
  };
}

/** Stops the query in the engine when its client hangs up. */
async function runUnlessGone(
  engine: EmbeddedEngine,
  query: EngineQuery,
  response: ServerResponse,
): Promise<EngineResult> {
  const onClose = (): void => {
    if (!response.writableEnded) engine.cancel(query.queryId);
  };
  response.once('close', onClose);
  try {
    return await engine.run(query);
  } finally {
    response.off('close', onClose);
  }
}

async function sendResult(
  response: ServerResponse,
  asked: SqlRequest,
  query: EngineQuery,
  result: EngineResult,
): Promise<void> {
  const format = formatOfSql(query.sql) ?? query.format;
  const summary = {
    read_rows: String(result.readRows),
    read_bytes: String(result.readBytes),
    written_rows: String(result.writtenRows),
    written_bytes: String(result.writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(result.writtenRows),
    result_bytes: String(result.bytes.length),
    elapsed_ns: String(result.elapsedNs),
  };
  const headers: Record<string, string> = {
    'Content-Type': contentType(format),
    'X-ClickHouse-Server-Display-Name': 'nextmodel',
    'X-ClickHouse-Query-Id': asked.queryId.replaceAll(/[^\x20-\x7e]/g, '?'),
    'X-ClickHouse-Format': format,
    'X-ClickHouse-Timezone': 'UTC',
    'X-ClickHouse-Summary': JSON.stringify(summary),
  };
  let bytes = result.bytes;
  if (asked.acceptsGzip && bytes.length > 0) {
    bytes = await compress(bytes, { level: 1 });
    headers['Content-Encoding'] = 'gzip';
  }
  response.writeHead(200, { ...headers, 'Content-Length': String(bytes.length) });
  response.end(bytes);
}

function sendError(response: ServerResponse, error: SqlError, queryId: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const body = error.toBody();
  response.writeHead(httpStatusOf(error.code), {
    'Content-Type': 'text/plain; charset=UTF-8',
    'X-ClickHouse-Exception-Code': String(error.code),
    ...(queryId !== '' && { 'X-ClickHouse-Query-Id': queryId }),
    // what is left of a body that was not read must not be taken for the next request
    ...(!response.req.complete && { Connection: 'close' }),
    'Content-Length': String(Buffer.byteLength(body)),
  });
  response.end(body);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8' });
  response.end(text);
}

function contentType(format: string): string {
  if (/^(JSONEachRow|JSONCompactEachRow|JSONStringsEachRow|JSONLines|NDJSON)/.test(format)) {
    return 'application/x-ndjson; charset=UTF-8';
  }
  if (format.startsWith('JSON')) return 'application/json; charset=UTF-8';
  if (format.startsWith('CSV')) return 'text/csv; charset=UTF-8; header=absent';
  if (/^(Tab|TSV)/.test(format)) return 'text/tab-separated-values; charset=UTF-8';
  if (/^(Native|RowBinary|Arrow|Parquet|ORC|Avro|MsgPack|Protobuf|Npy|BSON)/.test(format)) {
    return 'application/octet-stream';
  }
  return 'text/plain; charset=UTF-8';
}
