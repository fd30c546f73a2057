/**
 * The columns of the receipt tables in the order of the rows that `receipt-row.ts` makes: name → type and codec.
 * Names and types are a contract of SQL users and of inserts in binary; only ever add. The `…_hex` columns exist during
 * an insert only, for clients that write text.
 */
const text = 'LowCardinality(String)';
const time = "DateTime64(3,'UTC') CODEC(Delta(8),ZSTD(1))";
const count = 'UInt32 CODEC(T64,ZSTD(1))';
const maybeMoney = 'Nullable(Decimal64(12)) CODEC(T64,ZSTD(1))';
const position = 'UInt64 CODEC(Delta(8),ZSTD(1))';
const hex = "String EPHEMERAL ''";
const enumOf = (values: Readonly<Record<string, number>>): string =>
  `Enum8(${Object.entries(values)
    .map(([name, number]) => `'${name}'=${number}`)
    .join(',')})`;

export const STATUS = {
  ok: 1,
  client_error: 2,
  provider_error: 3,
  aborted: 4,
  timeout: 5,
  rejected: 6,
  unknown: 7,
  truncated: 8,
  replayed: 9,
} as const;
export const CACHE_RESULT = { off: 0, miss: 1, exact: 2, semantic: 3, bypass: 4, refresh: 5 } as const;
export const USAGE_SOURCE = { none: 0, provider: 1, estimated: 2, upper_bound: 3 } as const;
export const COST_STATUS = { exact: 1, estimated: 2, provider_reported: 3, unpriced: 4, free: 5 } as const;
export const ATTEMPT_KIND = { primary: 1, retry: 2, fallback: 3, hedge: 4, embedding: 5, judge: 6, shadow: 7 } as const;
export const ATTEMPT_STATUS = { ok: 1, error: 2, timeout: 3, aborted: 4, unknown: 5 } as const;
export const BILLED = { no: 0, yes: 1, unknown: 2 } as const;
/** What a position of the log holds: `duplicate` = a receipt sealed before, `dead` = a record that could not be read. */
export const ENTRY_KIND = { sealed: 1, adjusted: 2, duplicate: 3, dead: 4 } as const;

export const RECEIPT_COLUMNS: Readonly<Record<string, string>> = {
  tenant_id: text,
  ts: time,
  sealed_at: time,
  receipt_id: 'UUID',
  project_id: text,
  api_key_id: text,
  user_id: 'String CODEC(ZSTD(1))',
  trace_id_hex: hex,
  environment: text,
  tags: 'Map(LowCardinality(String), String) CODEC(ZSTD(1))',
  api: text,
  streamed: 'Bool',
  /** `NULL` = the client did not say. */
  client_retry_count: 'Nullable(UInt16)',
  session_id: 'String CODEC(ZSTD(1))',
  requested_model: text,
  served_model: text,
  provider: text,
  region: text,
  service_tier: text,
  status: enumOf(STATUS),
  http_status: 'UInt16',
  error_code: text,
  finish_reason: text,
  stream_complete: 'Nullable(Bool)',
  attempts: 'UInt8',
  cache_result: enumOf(CACHE_RESULT),
  cache_similarity: 'Nullable(Float64)',
  cache_source: 'UUID',
  cache_age_s: 'Nullable(Float64)',
  cache_reason: text,
  route_policy: text,
  route_rule: text,
  route_reason: text,
  route_task: text,
  baseline_model: text,
  latency_ms: count,
  ttft_ms: 'Nullable(UInt32) CODEC(T64,ZSTD(1))',
  overhead_us: count,
  tok_in: count,
  tok_cache_read: count,
  tok_cache_write: count,
  tok_out: count,
  tok_reasoning: count,
  meters: 'Map(LowCardinality(String), UInt64) CODEC(ZSTD(1))',
  usage_source: enumOf(USAGE_SOURCE),
  usage_flags: 'Array(LowCardinality(String))',
  cost_status: enumOf(COST_STATUS),
  cost_usd: maybeMoney,
  cost_native: maybeMoney,
  wasted_usd: maybeMoney,
  avoided_usd: maybeMoney,
  baseline_usd: maybeMoney,
  price_id: text,
  price_hash: text,
  currency: text,
  fx_rate: 'Decimal64(9)',
  fx_date: 'Nullable(Date)',
  req_commit_hex: hex,
  resp_commit_hex: hex,
  log_id: text,
  log_index: position,
  k_partition: 'UInt16',
  k_offset: position,
  schema_v: 'UInt8',
};

export const ATTEMPT_COLUMNS: Readonly<Record<string, string>> = {
  tenant_id: text,
  ts: time,
  receipt_id: 'UUID',
  n: 'UInt8',
  kind: enumOf(ATTEMPT_KIND),
  provider: text,
  model: text,
  credential_id: text,
  provider_request_id: 'String CODEC(ZSTD(1))',
  service_tier: text,
  status: enumOf(ATTEMPT_STATUS),
  http_status: 'UInt16',
  error_code: text,
  moved_on: text,
  started_at: time,
  latency_ms: count,
  ttft_ms: 'Nullable(UInt32) CODEC(T64,ZSTD(1))',
  billed: enumOf(BILLED),
  used: 'Map(LowCardinality(String), UInt64) CODEC(ZSTD(1))',
  meters: 'Array(LowCardinality(String))',
  qty: 'Array(UInt64) CODEC(ZSTD(1))',
  rate: 'Array(Decimal64(12)) CODEC(ZSTD(1))',
  amount: 'Array(Decimal64(12)) CODEC(ZSTD(1))',
  usage_source: enumOf(USAGE_SOURCE),
  usage_flags: 'Array(LowCardinality(String))',
  cost_status: enumOf(COST_STATUS),
  cost_usd: maybeMoney,
  cost_native: maybeMoney,
  provider_cost_usd: maybeMoney,
  price_id: text,
  price_hash: text,
  currency: text,
  fx_rate: 'Decimal64(9)',
  fx_date: 'Nullable(Date)',
  usage_raw: 'String CODEC(ZSTD(3))',
  k_partition: 'UInt16',
  k_offset: position,
};

export const ADJUSTMENT_COLUMNS: Readonly<Record<string, string>> = {
  tenant_id: text,
  ts: time,
  receipt_id: 'UUID',
  seq: 'UInt32',
  delta_usd: 'Decimal64(12)',
  reason: text,
  evidence: 'String CODEC(ZSTD(1))',
  log_id: text,
  log_index: position,
  k_partition: 'UInt16',
  k_offset: position,
};

export const LOG_ENTRY_COLUMNS: Readonly<Record<string, string>> = {
  log_id: text,
  log_index: position,
  kind: enumOf(ENTRY_KIND),
  /** All zeros for a record that could not say. */
  receipt_id: 'UUID CODEC(ZSTD(1))',
  reason: text,
  k_partition: 'UInt16',
  k_offset: position,
};

/** Columns of bytes, and how many. */
const BYTE_COLUMNS = { trace_id: 16, req_commit: 32, resp_commit: 32 } as const;
const names = (columns: Readonly<Record<string, string>>): readonly string[] =>
  Object.keys(columns).map((name) => name.replace(/_hex$/, ''));
/** What an insert names, in the order of the cells. */
export const TABLE_COLUMNS = {
  receipts: names(RECEIPT_COLUMNS),
  attempts: names(ATTEMPT_COLUMNS),
  adjustments: names(ADJUSTMENT_COLUMNS),
  log_entries: names(LOG_ENTRY_COLUMNS),
} as const;
/** Types of those columns, without their codecs. */
export const TABLE_TYPES: Readonly<Record<ReceiptTable, readonly string[]>> = {
  receipts: types(RECEIPT_COLUMNS),
  attempts: types(ATTEMPT_COLUMNS),
  adjustments: types(ADJUSTMENT_COLUMNS),
  log_entries: types(LOG_ENTRY_COLUMNS),
};

function types(columns: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(columns).map(([name, type]) => {
    const bytes = BYTE_COLUMNS[name.replace(/_hex$/, '') as keyof typeof BYTE_COLUMNS];
    return bytes === undefined ? type.replace(/ CODEC\(.*$/, '') : `FixedString(${bytes})`;
  });
}
export type ReceiptTable = keyof typeof TABLE_COLUMNS;
/** In the order of writing: a position stands in `log_entries` only when all its rows are in the other tables. */
export const RECEIPT_TABLES: readonly ReceiptTable[] = ['attempts', 'adjustments', 'receipts', 'log_entries'];
