import type { ClickHouseSettings } from '@clickhouse/client';
import type { StepReport } from '../../usecases/bounded-step.js';

export interface ClickhouseStoreOptions {
  /** `http://host:8123`; a ClickHouse server or the embedded engine. A user and password in it take precedence. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Default `nextmodel`. */
  readonly database?: string;
  /** How long a statement may stay unanswered. Default 30 s for an insert, 60 s for a read, 300 s for a change of tables. */
  readonly limitsMs?: Partial<StatementLimits>;
  /** Told of a statement that is slow (5 s) or unanswered. What it throws breaks the statement. */
  readonly onReport?: (report: StepReport) => void;
}

export interface StatementLimits {
  readonly slow: number;
  readonly insert: number;
  readonly read: number;
  readonly change: number;
}

export const LIMITS_MS: StatementLimits = { slow: 5_000, insert: 30_000, read: 60_000, change: 300_000 };
export const LIST_MAX = 1_000;
/** Settings stick to connections of the embedded engine, so all that matters are sent every time. */
export const INSERT_SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  wait_end_of_query: 1,
};
/** A receipt's time is in its key, so its repeats are in one partition: `FINAL` need not look across. */
const WITHIN_PARTITIONS = { do_not_merge_across_partitions_select_final: 1 as const };
export const CHANGE_SETTINGS: ClickHouseSettings = { wait_end_of_query: 1, ...WITHIN_PARTITIONS };
export const READ_SETTINGS: ClickHouseSettings = {
  ...WITHIN_PARTITIONS,
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  date_time_output_format: 'simple',
  session_timezone: 'UTC',
};
