import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { SqlError } from './sql-error.js';

export type SqlUser = 'audit' | 'ingest';

/** A request of the ClickHouse HTTP protocol, taken apart. */
export interface SqlRequest {
  readonly sql: string;
  readonly body: Buffer | null;
  readonly database: string | null;
  readonly format: string;
  readonly queryId: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, string>;
  readonly acceptsGzip: boolean;
}

/** Parameters of the protocol itself; everything else in the query string is a setting. */
const PROTOCOL = new Set(
  (
    'query database default_format query_id user password quota_key session_id session_timeout session_check role ' +
    'compress decompress enable_http_compression http_zlib_compression_level wait_end_of_query buffer_size ' +
    'send_progress_in_http_headers http_headers_progress_interval_ms cancel_http_readonly_queries_on_client_close ' +
    'readonly add_http_cors_header log_comment client_protocol_version'
  ).split(' '),
);

/** Who asks; from `X-ClickHouse-User/-Key`, Basic authorization or `user`/`password`. `null` = nobody we know. */
export function authenticate(
  request: IncomingMessage,
  url: URL,
  passwords: Readonly<Record<SqlUser, string>>,
): SqlUser | null {
  let user = request.headers['x-clickhouse-user'];
  let password = request.headers['x-clickhouse-key'];
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (user === undefined && basic !== undefined) {
    const text = Buffer.from(basic, 'base64').toString('utf8');
    user = text.slice(0, text.indexOf(':'));
    password = text.slice(text.indexOf(':') + 1);
  }
  user ??= url.searchParams.get('user') ?? undefined;
  password ??= url.searchParams.get('password') ?? undefined;
  if ((user !== 'audit' && user !== 'ingest') || typeof password !== 'string') return null;
  return sameText(password, passwords[user]) ? user : null;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function sameText(a: string, b: string): boolean {
  return b !== '' && timingSafeEqual(digest(a), digest(b));
}

/** Reads the whole request. @throws SqlError 290 when the body is larger than `bytesMax`, 48 for unsupported compression. */
export async function readSqlRequest(request: IncomingMessage, url: URL, bytesMax: number): Promise<SqlRequest> {
  // ClickHouse's own block compression: answered plainly it would be unreadable to who asked for it
  for (const name of ['compress', 'decompress']) {
    if (/^(1|true)$/.test(url.searchParams.get(name) ?? '')) {
      throw new SqlError(48, 'NOT_IMPLEMENTED', `${name}=1 is not supported here; use enable_http_compression=1`);
    }
  }
  const bytes = await readBody(request, bytesMax);
  const inUrl = url.searchParams.get('query') ?? '';
  const settings = new Map<string, string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('param_')) parameters.set(name.slice(6), value);
    else if (!PROTOCOL.has(name)) settings.set(name, value);
  }
  const isInsert = /^\s*INSERT\s/i.test(inUrl);
  const sql = isInsert ? inUrl : [inUrl, bytes.toString('utf8')].filter((part) => part !== '').join('\n');
  return {
    sql,
    body: isInsert ? bytes : null,
    database: url.searchParams.get('database') ?? one(request.headers['x-clickhouse-database']),
    format: url.searchParams.get('default_format') ?? one(request.headers['x-clickhouse-format']) ?? 'TabSeparated',
    queryId: url.searchParams.get('query_id') ?? one(request.headers['x-clickhouse-query-id']) ?? randomUUID(),
    settings,
    parameters,
    acceptsGzip:
      url.searchParams.get('enable_http_compression') === '1' &&
      /\bgzip\b/.test(one(request.headers['accept-encoding']) ?? ''),
  };
}

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? '').toLowerCase();
  let source: Readable = request;
  if (encoding === 'gzip') source = request.pipe(createGunzip());
  else if (encoding === 'deflate') source = request.pipe(createInflate());
  else if (encoding === 'br') source = request.pipe(createBrotliDecompress());
  else if (encoding !== '') throw new SqlError(48, 'NOT_IMPLEMENTED', `Content-Encoding ${encoding} is not supported`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytesMax) throw new SqlError(290, 'LIMIT_EXCEEDED', `The request is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function one(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
