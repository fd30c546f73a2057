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
            sum(tok_out + tok_reasoning) AS tokens_out, toString(sum(cost_usd)) AS spend_usd,
            round(avg(latency_ms)) AS mean_ms
     FROM receipts FINAL WHERE cache_result NOT IN ('exact', 'semantic') GROUP BY model ORDER BY sum(cost_usd) DESC`,
  );
  await show(
    'Cache hits and the money they saved',
    `SELECT cache_result AS tier, count() AS hits, toString(sum(avoided_usd)) AS saved_usd,
            round(avg(latency_ms), 1) AS mean_ms
     FROM receipts FINAL WHERE cache_result IN ('exact', 'semantic') GROUP BY tier ORDER BY tier`,
  );
  await show(
    'Failover of model "resilient", whose first target always fails',
    `SELECT multiIf(cache_result IN ('exact', 'semantic'), 'served from the cache', attempts > 1,
              'first target failed, the second answered', 'breaker open: straight to the second target') AS how,
            count() AS requests, countIf(status = 'ok') AS answered, sum(attempts) AS upstream_calls
     FROM receipts FINAL WHERE requested_model = 'resilient' GROUP BY how ORDER BY upstream_calls DESC`,
  );
  await show(
    'Routing of model "auto"',
    `SELECT route_reason AS reason, count() AS requests
     FROM receipts FINAL WHERE requested_model = 'auto' GROUP BY reason ORDER BY requests DESC`,
  );
  const { meta, data } = await ask(
    `SELECT * REPLACE (lower(hex(trace_id)) AS trace_id, lower(hex(req_commit)) AS req_commit,
                       lower(hex(resp_commit)) AS resp_commit)
     FROM receipts FINAL WHERE attempts > 1 ORDER BY ts LIMIT 1`,
  );
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
  const options = { params, headers, timeout: 30_000, validateStatus: () => true };
  const answer = await axios.post<Answer | string>(url, query, options);
  if (typeof answer.data === 'string') throw new Error(`SQL: ${answer.data.slice(0, 300)}`);
  return answer.data;
}
