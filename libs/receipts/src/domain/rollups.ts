import { COST_STATUS } from './receipt-columns.js';

/**
 * The four rollups: sums of receipts, corrections included. Each is wholly made again for one UTC day from the tables
 * below it, so repeats, replays and corrections cannot count twice; `PARTITION BY` that day makes the change atomic.
 */
export interface Rollup {
  readonly name: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly orderBy: string;
  /** Expression of the UTC day, the partition. */
  readonly day: string;
  /** Of one day: over `{from}` (receipts of the day with their corrections), `{to}`-grouped. */
  readonly select: string;
  /** What must agree with a fresh calculation. Estimates of quantiles differ by the order of merging and stay out. */
  readonly compared: readonly string[];
}

const text = 'LowCardinality(String)';
const count = 'UInt64 CODEC(T64,ZSTD(1))';
const money = 'Decimal(38,12) CODEC(ZSTD(1))';
const status = `Enum8(${Object.entries(COST_STATUS)
  .map(([name, number]) => `'${name}'=${number}`)
  .join(',')})`;
const quantiles = 'AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt32)';

/** Column → type and expression over the receipts `r` of a day. */
const SUMS: Readonly<Record<string, readonly [type: string, expression: string]>> = {
  requests: [count, 'count()'],
  errors: [count, "countIf(r.status != 'ok')"],
  hits: [count, "countIf(r.cache_result IN ('exact', 'semantic'))"],
  unpriced: [count, 'countIf(r.effective_usd IS NULL)'],
  tok_in: [count, 'sum(toUInt64(r.tok_in))'],
  tok_cache_read: [count, 'sum(toUInt64(r.tok_cache_read))'],
  tok_cache_write: [count, 'sum(toUInt64(r.tok_cache_write))'],
  tok_out: [count, 'sum(toUInt64(r.tok_out))'],
  tok_reasoning: [count, 'sum(toUInt64(r.tok_reasoning))'],
  cost: [money, 'sum(toDecimal128(ifNull(r.effective_usd, toDecimal128(0, 12)), 12))'],
  adjusted: [money, 'sum(toDecimal128(ifNull(r.adjusted_usd, toDecimal128(0, 12)), 12))'],
  wasted: [money, 'sum(toDecimal128(ifNull(r.wasted_usd, 0), 12))'],
  avoided: [money, 'sum(toDecimal128(ifNull(r.avoided_usd, 0), 12))'],
  baseline: [money, 'sum(toDecimal128(ifNull(r.baseline_usd, 0), 12))'],
  latency_sum_ms: [count, 'sum(toUInt64(r.latency_ms))'],
};

const HOUR: readonly [string, string] = ["DateTime('UTC')", 'toStartOfHour(toDateTime(r.ts))'];
const DAY: readonly [string, string] = ['Date', 'toDate(r.ts)'];

function rollup(
  name: string,
  keys: Readonly<Record<string, readonly [type: string, expression: string]>>,
  sums: readonly string[],
  more: { readonly states?: Readonly<Record<string, string>>; readonly join?: string } = {},
): Rollup {
  const values = sums.map((sum) => [sum, ...(SUMS[sum] as readonly [string, string])] as const);
  const states = Object.entries(more.states ?? {});
  const selected = [
    ...Object.entries(keys).map(([key, [, expression]]) => `${expression} AS k_${key}`),
    ...values.map(([sum, , expression]) => `${expression} AS s_${sum}`),
    ...states.map(([state, expression]) => `${expression} AS s_${state}`),
  ];
  const groups = Object.keys(keys).map((key) => `k_${key}`);
  return {
    name,
    columns: Object.fromEntries([
      ...Object.entries(keys).map(([key, [type]]) => [key, type] as const),
      ...values.map(([sum, type]) => [sum, type] as const),
      ...states.map(([state]) => [state, quantiles] as const),
    ]),
    orderBy: Object.keys(keys).join(', '),
    day: 'hour' in keys ? 'toDate(hour)' : 'day',
    // the names k_ and s_ keep ClickHouse from taking an alias for the column it is made of
    select: `SELECT ${selected.join(', ')} FROM {from} AS r ${more.join ?? ''} GROUP BY ${groups.join(', ')}`,
    compared: [...Object.keys(keys), ...sums],
  };
}

const column = (name: string): readonly [string, string] => [text, `r.${name}`];

export const ROLLUPS: readonly Rollup[] = [
  rollup(
    'spend_key_daily',
    {
      tenant_id: column('tenant_id'),
      day: DAY,
      api_key_id: column('api_key_id'),
      project_id: column('project_id'),
      served_model: column('served_model'),
      provider: column('provider'),
      cost_status: [status, 'r.cost_status'],
    },
    Object.keys(SUMS).filter((sum) => sum !== 'latency_sum_ms'),
  ),
  rollup(
    'spend_hourly',
    {
      tenant_id: column('tenant_id'),
      hour: HOUR,
      served_model: column('served_model'),
      provider: column('provider'),
      route_policy: column('route_policy'),
    },
    ['requests', 'errors', 'hits', 'unpriced', 'cost', 'adjusted', 'wasted', 'avoided', 'baseline'],
  ),
  rollup(
    'perf_hourly',
    { provider: column('provider'), served_model: column('served_model'), hour: HOUR },
    ['requests', 'errors', 'latency_sum_ms'],
    {
      states: {
        latency: 'quantilesTDigestState(0.5, 0.95, 0.99)(toUInt32(r.latency_ms))',
        ttft: 'quantilesTDigestStateIf(0.5, 0.95, 0.99)(toUInt32(assumeNotNull(r.ttft_ms)), r.ttft_ms IS NOT NULL)',
      },
    },
  ),
  rollup(
    'spend_tag_daily',
    {
      tenant_id: column('tenant_id'),
      tag_key: [text, 'tag.1'],
      day: DAY,
      tag_value: ['String CODEC(ZSTD(1))', 'tag.2'],
    },
    ['requests', 'unpriced', 'cost', 'adjusted', 'avoided'],
    { join: "ARRAY JOIN CAST(r.tags, 'Array(Tuple(String, String))') AS tag" },
  ),
];

/** A UTC day as `2026-11-24`, also the name of its partition. */
export type Day = string;
export const dayOf = (atMs: number): Day => new Date(atMs).toISOString().slice(0, 10);
/** Receipts leave their table after 400 days, in part on the day itself: older days are not compared any more. */
export const ROLLUP_DAYS_MAX = 398;

export function rollupTable(d: string, { name, columns, orderBy, day }: Rollup): string {
  const lines = Object.entries(columns).map(([column_, type]) => `  ${column_} ${type}`);
  return `CREATE TABLE IF NOT EXISTS ${d}.${name} (
${lines.join(',\n')}
) ENGINE = MergeTree PARTITION BY ${day}
ORDER BY (${orderBy})
TTL ${day} + INTERVAL 400 DAY`;
}

/** Rows of a rollup for one day, made from receipts and corrections. `day` is a parameter `{day:Date}`. */
export function rollupSelect(d: string, { select }: Rollup): string {
  // the id of a receipt holds its time, so the corrections of a day's receipts are found by the id alone
  const from = `(
  SELECT b.*, a.adjusted_usd AS adjusted_usd,
    if(b.cost_usd IS NULL AND ifNull(a.priced, 0) = 0, NULL,
      toDecimal128(ifNull(b.cost_usd, 0), 12) + ifNull(a.adjusted_usd, toDecimal128(0, 12))) AS effective_usd
  FROM (SELECT * FROM ${d}.receipts FINAL WHERE ts >= toDateTime64({day:Date}, 3, 'UTC') AND ts < toDateTime64({day:Date} + 1, 3, 'UTC')) AS b
  LEFT JOIN (
    SELECT receipt_id, toNullable(sum(delta_usd)) AS adjusted_usd, countIf(reason = 'rerated') AS priced
    FROM ${d}.adjustments FINAL
    WHERE toDate(UUIDv7ToDateTime(receipt_id, 'UTC')) BETWEEN {day:Date} - 1 AND {day:Date} + 1
    GROUP BY receipt_id
  ) AS a ON a.receipt_id = b.receipt_id
)`;
  return select.replace('{from}', from);
}

/** One number for all rows of a day: equal when the rows are, whatever their order. */
export function rollupFingerprint(d: string, { name, columns, compared, day }: Rollup, fresh: string | null): string {
  const values = compared.map((one) => `toString(${one})`).join(', ');
  const aliases = Object.keys(columns).join(', ');
  const source =
    fresh === null
      ? `(SELECT * FROM ${d}.${name} WHERE ${day} = {day:Date})`
      : `(SELECT * FROM (${fresh}) AS fresh (${aliases}))`;
  return `SELECT toString(count()) AS n, toString(sum(cityHash64(${values}))) AS hash, toString(sum(requests)) AS counted FROM ${source}`;
}
