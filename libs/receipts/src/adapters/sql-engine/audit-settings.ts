import { SqlError } from './sql-error.js';

/** Upper bounds for the read-only user. A smaller wish is granted, a larger one is cut. */
const CEILINGS: Readonly<Record<string, number>> = {
  max_execution_time: 30,
  max_memory_usage: 2_000_000_000,
  max_result_rows: 1_000_000,
  max_result_bytes: 512_000_000,
};

/** Settings that change how an answer looks, not what it may touch. */
const ALLOWED =
  /^(output_format_(?!.*schema)\w+|format_csv_\w+|format_tsv_\w+|format_binary_\w+|date_time_output_format|session_timezone|max_block_size|max_rows_to_read|max_bytes_to_read|read_overflow_mode|extremes|join_use_nulls|final|union_default_mode|use_uncompressed_cache|result_overflow_mode|max_rows_to_group_by|group_by_overflow_mode|allow_experimental_analyzer|enable_analyzer|prefer_column_name_to_alias|aggregate_functions_null_for_empty|distributed_product_mode|max_query_size|max_ast_elements|http_write_exception_in_output_format|date_time_input_format|input_format_\w+|cast_keep_nullable|any_join_distinct_right_table_keys|optimize_\w+|limit|offset|max_threads|do_not_merge_across_partitions_select_final)$/;

/**
 * The settings of one query of the read-only user: its harmless wishes, our ceilings, `readonly = 1`.
 * @throws SqlError 164 for a setting that it may not touch.
 */
export function auditSettings(wishes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of wishes) {
    if (Object.hasOwn(CEILINGS, name)) continue;
    if (!ALLOWED.test(name)) {
      throw new SqlError(164, 'READONLY', `Cannot modify '${name}' setting in readonly mode`);
    }
    settings.set(name, value);
  }
  for (const [name, ceiling] of Object.entries(CEILINGS)) {
    const wish = Number(wishes.get(name) ?? Number.NaN);
    settings.set(name, String(wish > 0 && wish < ceiling ? wish : ceiling));
  }
  if (!settings.has('result_overflow_mode')) settings.set('result_overflow_mode', 'throw');
  // a receipt's repeats are in one partition, so FINAL need not merge across months
  settings.set('do_not_merge_across_partitions_select_final', '1');
  settings.set('readonly', '1');
  return settings;
}
