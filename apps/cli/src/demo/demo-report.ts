import axios from 'axios';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTable } from '../output.js';

interface ReportInput {
  readonly sqlUrl: string | null;
  readonly sqlPassword: string;
  readonly expected: number;
}

interface Answer {
  readonly meta: readonly { readonly name: string }[];
  readonly data: readonly (readonly unknown[])[];
}

const WAIT_MS = 15_000;

/** Everything that is printed here was asked of the receipts in SQL, as an auditor would. */
export async function printReport(input: ReportInput): Promise<void> {
  const { sqlUrl } = input;
  if (sqlUrl === null) {
    process.stdout.write('No SQL engine is available here, so there is no report.\n');
    return;
  }
  const ask = (query: string): Promise<Answer> => sql(sqlUrl, input.sqlPassword, query);
  const deadline = Date.now() + WAIT_MS;
  const stored = async (): Promise<number> => Number((await ask('SELECT count() FROM receipts')).data[0]?.[0] ?? 0);
  while ((await stored()) < input.expected && Date.now() < deadline) await sleep(250);
  const show = async (title: string, query: string): Promise<void> => {
    const { meta, data } = await ask(query);
    const columns = meta.map((column) => column.name);
    process.stdout.write(`\n${title}\n${formatTable(columns, data)}\n`);
  };
  await show(
    'Spend by model',
    `SELECT served_model AS model, count() AS requests, sum(tok_in + tok_cache_read) AS tokens_in,
            sum(tok_out + tok_reasoning) AS tokens_out, toString(sum(cost_usd)) AS cost_usd,
            round(avg(latency_ms)) AS latency_ms
     FROM receipts FINAL WHERE cache_result NOT IN ('exact', 'semantic') GROUP BY model ORDER BY sum(cost_usd) DESC`,
  );
  await show(
    'Cache hits and the money they saved',
    `SELECT cache_result AS tier, count() AS hits, toString(sum(avoided_usd)) AS saved_usd,
            round(avg(latency_ms), 1) AS latency_ms
     FROM receipts FINAL WHERE cache_result IN ('exact', 'semantic') GROUP BY tier ORDER BY tier`,
  );
  await show(
    'Failovers',
    `SELECT tags['case'] AS case, count() AS requests, countIf(status = 'ok') AS answered, sum(attempts) AS attempts
     FROM receipts FINAL WHERE attempts > 1 GROUP BY case ORDER BY requests DESC`,
  );
  await show(
    'Routing of model "auto"',
    `SELECT route_reason AS reason, count() AS requests
     FROM receipts FINAL WHERE requested_model = 'auto' GROUP BY reason ORDER BY requests DESC`,
  );
  const { meta, data } = await ask('SELECT * FROM receipts FINAL WHERE attempts > 1 ORDER BY ts LIMIT 1');
  const row = data[0] ?? [];
  process.stdout.write('\nOne receipt in full\n');
  for (const [index, { name }] of meta.entries()) {
    const value = row[index];
    process.stdout.write(`  ${name.padEnd(18)} ${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
  }
}

async function sql(url: string, password: string, query: string): Promise<Answer> {
  const params = {
    database: 'nextmodel',
    default_format: 'JSONCompact',
    output_format_json_quote_decimals: 1,
    output_format_json_quote_64bit_integers: 0,
  };
  const headers = { 'x-clickhouse-user': 'audit', 'x-clickhouse-key': password };
  return (await axios.post<Answer>(url, query, { params, headers, timeout: 30_000 })).data;
}
