import { RERATED } from './effective-cost.js';
import { ROLLUPS, rollupTable } from './rollups.js';
import {
  ADJUSTMENT_COLUMNS,
  ATTEMPT_COLUMNS,
  LOG_ENTRY_COLUMNS,
  RECEIPT_COLUMNS,
  RECEIPT_TABLES,
} from './receipt-columns.js';

/**
 * Version of the tables below. 2: `wasted_usd` and `avoided_usd` may be NULL (unknown).
 * 3: rollups. 4: `client_retry_count`, `session_id`. A change makes new tables right
 * and adds an `ALTER` that brings older ones there; it may run again.
 */
export const SCHEMA_VERSION = 4;
export const DEFAULT_DATABASE = 'nextmodel';

/**
 * On every table: the window makes an insert's token count on a single server too; the syncs make an answered
 * insert survive a power cut, so that the consumer's checkpoint may move.
 */
const SETTINGS =
  'SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1';
/** ReplacingMergeTree keeps the highest version: the first position of the log wins. */
const FIRST_WINS = 'first_wins UInt64 MATERIALIZED bitNot(k_offset) CODEC(Delta(8),ZSTD(1))';

const columns = (list: Readonly<Record<string, string>>, ...more: string[]): string =>
  [...Object.entries(list).map(([name, type]) => `${name} ${type}`), ...more].map((line) => `  ${line}`).join(',\n');

/**
 * Statements that make the present version in a database, empty or older; each may be run again.
 * @param from the version that is there, 0 = none. New tables are never altered: an `ALTER` waits for every reader of
 *   its table and lets no insert pass meanwhile.
 */
export function schemaStatements(database: string = DEFAULT_DATABASE, from = 0): readonly string[] {
  const d = checkedDatabase(database);
  return [
    `CREATE DATABASE IF NOT EXISTS ${d} ENGINE = Atomic`,
    `CREATE TABLE IF NOT EXISTS ${d}.schema_version (version UInt32, applied_at DateTime('UTC') DEFAULT now())
ENGINE = ReplacingMergeTree(applied_at) ORDER BY version`,
    `CREATE TABLE IF NOT EXISTS ${d}.receipts (
${columns(
  RECEIPT_COLUMNS,
  'trace_id FixedString(16) DEFAULT unhex(trace_id_hex) CODEC(NONE)',
  'req_commit FixedString(32) DEFAULT unhex(req_commit_hex) CODEC(NONE)',
  'resp_commit FixedString(32) DEFAULT unhex(resp_commit_hex) CODEC(NONE)',
  FIRST_WINS,
  'INDEX ix_receipt receipt_id TYPE bloom_filter(0.001) GRANULARITY 1',
  'INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1',
  'INDEX ix_log log_index TYPE minmax GRANULARITY 1',
)}
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, toDate(ts), api_key_id, ts, receipt_id)
TTL toDateTime(ts) + INTERVAL 400 DAY ${SETTINGS}`,
    `CREATE TABLE IF NOT EXISTS ${d}.attempts (
${columns(
  ATTEMPT_COLUMNS,
  FIRST_WINS,
  'INDEX ix_receipt receipt_id TYPE bloom_filter(0.001) GRANULARITY 1',
  'INDEX ix_log k_offset TYPE minmax GRANULARITY 1',
)}
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, toDate(ts), provider, ts, receipt_id, n)
TTL toDateTime(ts) + INTERVAL 400 DAY ${SETTINGS}`,
    `CREATE TABLE IF NOT EXISTS ${d}.adjustments (
${columns(ADJUSTMENT_COLUMNS, FIRST_WINS)}
) ENGINE = ReplacingMergeTree(first_wins) PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, receipt_id, seq)
TTL toDateTime(ts) + INTERVAL 400 DAY ${SETTINGS}`,
    `CREATE TABLE IF NOT EXISTS ${d}.log_entries (
${columns(LOG_ENTRY_COLUMNS, "stored_at DateTime('UTC') DEFAULT now() CODEC(Delta(4),ZSTD(1))")}
) ENGINE = ReplacingMergeTree
ORDER BY (log_id, log_index)
TTL stored_at + INTERVAL 800 DAY ${SETTINGS}`,
    ...(from === 1 ? ['wasted_usd', 'avoided_usd'] : []).map(
      (column) => `ALTER TABLE ${d}.receipts MODIFY COLUMN ${column} ${RECEIPT_COLUMNS[column]}`,
    ),
    ...(from > 0 && from < 4
      ? ['client_retry_count', 'session_id'].map(
          (column) => `ALTER TABLE ${d}.receipts ADD COLUMN IF NOT EXISTS ${column} ${RECEIPT_COLUMNS[column]}`,
        )
      : []),
    ...viewStatements(d),
    ...ROLLUPS.map((rollup) => rollupTable(d, rollup)),
    `INSERT INTO ${d}.schema_version (version) VALUES (${SCHEMA_VERSION})`,
  ];
}

function viewStatements(d: string): readonly string[] {
  return [
    `CREATE OR REPLACE VIEW ${d}.receipts_effective AS
SELECT r.*, a.adjustments AS adjustments, a.adjusted_usd AS adjusted_usd,
  if(r.cost_usd IS NULL AND ifNull(a.priced, 0) = 0, NULL,
    toDecimal128(ifNull(r.cost_usd, 0), 12) + ifNull(a.adjusted_usd, toDecimal128(0, 12))) AS effective_usd
FROM ${d}.receipts AS r FINAL
LEFT JOIN (
  SELECT tenant_id, receipt_id, count() AS adjustments, sum(delta_usd) AS adjusted_usd, countIf(reason = '${RERATED}') AS priced
  FROM ${d}.adjustments FINAL GROUP BY tenant_id, receipt_id
) AS a ON a.tenant_id = r.tenant_id AND a.receipt_id = r.receipt_id`,
    `CREATE OR REPLACE VIEW ${d}.spend_by_key_day AS
SELECT tenant_id, toDate(ts) AS day, api_key_id, project_id,
  count() AS requests, countIf(e.status != 'ok') AS errors,
  countIf(e.cache_result IN ('exact', 'semantic')) AS cache_hits,
  countIf(e.effective_usd IS NULL) AS unpriced_requests,
  sum(toUInt64(e.tok_in) + e.tok_cache_read + e.tok_cache_write) AS input_tokens,
  sum(toUInt64(e.tok_out) + e.tok_reasoning) AS output_tokens,
  sum(ifNull(e.effective_usd, toDecimal128(0, 12))) AS spend_usd,
  sum(ifNull(e.wasted_usd, 0)) AS wasted_usd, sum(ifNull(e.avoided_usd, 0)) AS avoided_usd,
  countIf(e.wasted_usd IS NULL) AS unknown_waste_requests, countIf(e.avoided_usd IS NULL) AS unknown_avoided_requests
FROM ${d}.receipts_effective AS e
GROUP BY tenant_id, day, api_key_id, project_id`,
    `CREATE OR REPLACE VIEW ${d}.unpriced AS
SELECT provider, served_model, count() AS requests, min(ts) AS first_seen, max(ts) AS last_seen,
  sum(toUInt64(tok_in) + tok_cache_read + tok_cache_write) AS input_tokens,
  sum(toUInt64(tok_out) + tok_reasoning) AS output_tokens
FROM ${d}.receipts_effective WHERE effective_usd IS NULL
GROUP BY provider, served_model`,
  ];
}

/** Puts rebuilt tables in place of the live ones, each at once; `log_entries` last, because it says how far they are. */
export function exchangeStatements(rebuilt: string, live: string = DEFAULT_DATABASE): readonly string[] {
  const from = checkedDatabase(rebuilt);
  const to = checkedDatabase(live);
  const tables = [...ROLLUPS.map(({ name }) => name), ...RECEIPT_TABLES];
  return tables.map((table) => `EXCHANGE TABLES ${from}.${table} AND ${to}.${table}`);
}

/** @throws RangeError for a name that is not a plain word. */
export function checkedDatabase(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) throw new RangeError(`not a database name: ${name}`);
  return name;
}
