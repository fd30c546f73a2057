import { tokenizeSql, type SqlToken } from './sql-token.js';

export type GuardVerdict =
  | { readonly ok: true; /** The output format the query asks for itself. */ readonly format: string | null }
  | { readonly ok: false; readonly code: number; readonly name: string; readonly reason: string };

const STARTS = new Set(['SELECT', 'WITH', 'FROM', 'SHOW', 'DESCRIBE', 'DESC', 'EXPLAIN', 'EXISTS']);
const SHOWS = new Set(
  'DATABASES TABLES FULL COLUMNS FIELDS CREATE INDEX INDEXES INDICES KEYS FUNCTIONS TABLE VIEW EXTENDED'.split(' '),
);

/** System tables that say nothing about other people's queries, files or accounts. */
const SYSTEM_TABLES = new Set(
  (
    'one numbers numbers_mt zeros tables columns databases parts parts_columns functions data_type_families ' +
    'table_engines database_engines table_functions formats settings merge_tree_settings build_options contributors ' +
    'licenses time_zones keywords aggregate_function_combinators data_skipping_indices projections merges mutations ' +
    'view_refreshes constraints dictionaries collations codecs completions documentation'
  ).split(' '),
);

/**
 * Names that reach files, the network, other databases or other people's work: every table function but the
 * few that only make numbers, and the ordinary functions of that kind. They are refused wherever a name can stand,
 * because ClickHouse also takes function names as arguments (`arrayMap(file, …)`, `APPLY(file)`).
 */
const FORBIDDEN = new Set(
  (
    'aiclassify aiembed aiextract aigenerate aitranslate arrowstream azureblobstorage azureblobstoragecluster catboostevaluate cluster clusterallreplicas cosn deltalake ' +
    'deltalakeazure deltalakeazurecluster deltalakecluster deltalakelocal deltalakes3 deltalakes3cluster dictionary ' +
    'eval evalmlmethod executable file filecluster filesystem fuzzjson fuzzquery gcs generateserialid hdfs hdfscluster ' +
    'hudi hudicluster iceberg icebergazure icebergazurecluster icebergcluster iceberghdfs iceberghdfscluster ' +
    'iceberglocal iceberglocalcluster icebergs3 icebergs3cluster jdbc joinget joingetornull logtrace loop merge ' +
    'mergetreeanalyzeindexes mergetreeanalyzeindexesuuid mergetreeindex mergetreeprojection mergetreetextindex mongodb ' +
    'mysql odbc oss paimon paimonazure paimonazurecluster paimoncluster paimonhdfs paimonhdfscluster paimonlocal ' +
    'paimons3 paimons3cluster postgresql prometheusquery prometheusqueryrange python redis remote remotesecure s3 ' +
    's3cluster showcertificate sleep sleepeachrow sqlite timeseriesdata timeseriesmetrics timeseriessamples ' +
    'timeseriesselector timeseriestags url urlcluster viewexplain viewifpermitted ytsaurus infile outfile'
  ).split(' '),
);
const FORBIDDEN_PREFIX = /^(dict(get|has|isin)|region(to|in|hierarchy)|naivebayes|addressto)/i;

/**
 * May the read-only user run this? One statement, of a kind that reads, naming nothing outside `nextmodel`,
 * `information_schema` and harmless system tables. The second wall: the engine's own `readonly = 1` runs behind it
 * and would refuse writes and most sources, but not `file()`, `INTO OUTFILE`, `KILL` or `USE`.
 * @param allTableFunctions the engine's own list, so that one added in a later version is refused too.
 */
export function guardReadOnlySql(sql: string, allTableFunctions: Iterable<string> = []): GuardVerdict {
  const read = tokenizeSql(sql);
  if (!read.ok) return deny(62, 'SYNTAX_ERROR', read.reason);
  const tokens = withoutTrailingSemicolons(read.tokens);
  const first = tokens.find((token) => !(token.kind === 'mark' && token.text === '('));
  if (first === undefined) return deny(62, 'SYNTAX_ERROR', 'an empty query');
  const verb = first.kind === 'word' ? first.text.toUpperCase() : '';
  if (!STARTS.has(verb)) {
    return deny(164, 'READONLY', 'this user may only read: SELECT, WITH, SHOW, DESCRIBE, EXPLAIN, EXISTS');
  }
  const second = tokens[1]?.text.toUpperCase() ?? '';
  if (verb === 'SHOW' && !SHOWS.has(second)) return deny(497, 'ACCESS_DENIED', `SHOW ${second} is not allowed`);
  const extra = new Set(allTableFunctions);
  for (const name of HARMLESS_TABLE_FUNCTIONS) extra.delete(name);
  const problem = findForbidden(tokens, extra);
  return problem === null ? { ok: true, format: outputFormat(tokens) } : deny(497, 'ACCESS_DENIED', problem);
}

/** They make numbers, or (`input`) mean nothing outside an INSERT. */
const HARMLESS_TABLE_FUNCTIONS =
  'numbers numbers_mt zeros zeros_mt primes generateSeries generate_series values SQLStandardValues null view format generateRandom input'.split(
    ' ',
  );

function findForbidden(tokens: readonly SqlToken[], tableFunctions: ReadonlySet<string>): string | null {
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] as SqlToken;
    if (token.kind === 'mark') {
      if (token.text === ';') return 'only one statement at a time';
      continue;
    }
    if (token.kind !== 'word' && token.kind !== 'quoted') continue;
    const lower = token.text.toLowerCase();
    if (FORBIDDEN.has(lower) || FORBIDDEN_PREFIX.test(token.text) || tableFunctions.has(token.text)) {
      return `the name ${token.text} is not allowed here`;
    }
    const dotted = isMark(tokens[i + 1], '.');
    if (lower === 'default' && dotted) return 'the database default is not readable';
    // a table of the system database, or the database's bare name where a tool could make a table of it
    if (lower === 'system' && dotted) {
      const table = tokens[i + 2];
      if (table === undefined || !SYSTEM_TABLES.has(table.text)) return `system.${table?.text ?? ''} is not readable`;
    }
    if (lower === 'parallel' && tokens[i + 1]?.text.toLowerCase() === 'with') return 'only one statement at a time';
    // the engine refuses limits that a query lifts for itself, but not those of a query inside it
    if (lower === 'settings' && isMark(tokens[i + 2], '=')) {
      return 'settings go beside the query, as parameters of the request';
    }
    if (lower === 'identifier' && isMark(tokens[i - 1], ':')) return 'parameters of type Identifier are not allowed';
  }
  return null;
}

function outputFormat(tokens: readonly SqlToken[]): string | null {
  const at = tokens.findLastIndex((token) => token.kind === 'word' && token.text.toUpperCase() === 'FORMAT');
  const name = tokens[at + 1];
  return at > 0 && name?.kind === 'word' && !isMark(tokens[at + 2], '(') ? name.text : null;
}

/** The format a query names, for the response header; `null` when it names none or cannot be read. */
export function formatOfSql(sql: string): string | null {
  const read = tokenizeSql(sql);
  return read.ok ? outputFormat(withoutTrailingSemicolons(read.tokens)) : null;
}

function withoutTrailingSemicolons(tokens: readonly SqlToken[]): readonly SqlToken[] {
  let end = tokens.length;
  while (end > 0 && isMark(tokens[end - 1], ';')) end -= 1;
  return tokens.slice(0, end);
}

function isMark(token: SqlToken | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}

function deny(code: number, name: string, reason: string): GuardVerdict {
  return { ok: false, code, name, reason };
}
