import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import type { Receipt } from '#events/domain/receipt.js';
import { receiptTimeMs } from '#events/domain/ids.js';
import { RouterError } from '#events/domain/router-error.js';
import { pass } from '#events/ports/failpoint.js';
import {
  checkedDatabase,
  DEFAULT_DATABASE,
  exchangeStatements,
  SCHEMA_VERSION,
  schemaStatements,
} from '../../domain/ddl.js';
import { TABLE_COLUMNS, type ReceiptTable } from '../../domain/receipt-columns.js';
import { ATTEMPT_SELECT, fromReceiptRow, RECEIPT_SELECT, type RowObject } from '../../domain/receipt-from-row.js';
import { batchRows, batchToken, type PlacedRow } from '../../domain/batch-rows.js';
import { ColumnError } from '../../domain/column-value.js';
import { boundedStep, type StepReport } from '../../usecases/bounded-step.js';
import type {
  AuditResult,
  InsertOptions,
  LogPlace,
  ReceiptBatch,
  ReceiptPage,
  ReceiptStore,
  ReceiptSums,
} from '../../ports/receipt-store.js';
import type { ReceiptRollups } from '../../ports/receipt-rollups.js';
import { ClickhouseRollups } from './clickhouse-rollups.js';
import { encodeRowBinary } from './row-binary.js';
import { storeError } from './store-errors.js';
import { idParameters, WHERE_ID } from './receipt-by-id.js';
import {
  CHANGE_SETTINGS,
  type ClickhouseStoreOptions,
  INSERT_SETTINGS,
  LIMITS_MS,
  LIST_MAX,
  READ_SETTINGS,
  type StatementLimits,
} from './store-options.js';

/** Receipts in ClickHouse, server or embedded, over `@clickhouse/client`. */
export class ClickhouseReceiptStore implements ReceiptStore {
  readonly rollups: ReceiptRollups;
  readonly database: string;
  readonly #connect: () => ClickHouseClient;
  readonly #limitsMs: StatementLimits;
  readonly #onReport: ((report: StepReport) => void) | undefined;
  readonly #retired: ClickHouseClient[] = [];
  #client: ClickHouseClient;

  constructor(options: ClickhouseStoreOptions) {
    this.database = checkedDatabase(options.database ?? DEFAULT_DATABASE);
    const url = new URL(options.url);
    const [username, password] =
      url.username === ''
        ? [options.username, options.password]
        : [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    url.username = '';
    url.password = '';
    this.#limitsMs = { ...LIMITS_MS, ...options.limitsMs };
    this.#onReport = options.onReport;
    this.#connect = () =>
      createClient({
        url,
        username,
        password,
        // ours end a statement, also while it waits for a socket; this one would only count the silence on one
        request_timeout: this.#limitsMs.change,
        max_open_connections: 8,
        compression: { request: false, response: false },
        keep_alive: { enabled: true, idle_socket_ttl: 2_000 },
        log: { level: 127 as never },
      });
    this.#client = this.#connect();
    this.rollups = new ClickhouseRollups({
      database: this.database,
      rows: (query, parameters) => this.#rows(query, parameters),
      command: (query, parameters) => this.#command(query, parameters),
    });
  }

  async migrate(): Promise<void> {
    const version = await this.#schemaVersion();
    if (version >= SCHEMA_VERSION) return;
    for (const query of schemaStatements(this.database, version)) await this.#command(query);
  }

  async #schemaVersion(): Promise<number> {
    const exists = await this.#rows(
      "SELECT count() AS n FROM system.tables WHERE database = {d:String} AND name = 'schema_version'",
      { d: this.database },
    );
    if (Number(exists[0]?.['n']) === 0) return 0;
    const rows = await this.#rows(`SELECT max(version) AS version FROM ${this.database}.schema_version`, {});
    return Number(rows[0]?.['version'] ?? 0);
  }

  async insert(batch: ReceiptBatch, options: InsertOptions = {}): Promise<void> {
    const rows = rowsOf(batch);
    for (const [table, all] of rows) {
      if (all.length === 0) continue;
      const missing = options.verify === true ? await this.#missing(table, batch, all) : all;
      if (missing.length > 0) await this.#insert(table, batchToken(table, batch, all), missing);
      pass('table_inserted');
    }
  }

  /** Rows that are not there yet, by offset and receipt: an offset alone may have been given twice. */
  async #missing(table: ReceiptTable, batch: ReceiptBatch, rows: readonly PlacedRow[]): Promise<readonly PlacedRow[]> {
    const stored = await this.#rows(
      `SELECT DISTINCT k_offset, receipt_id FROM ${this.database}.${table}
       WHERE k_partition = {p:UInt16} AND k_offset BETWEEN {a:UInt64} AND {b:UInt64}`,
      { p: batch.partition, a: batch.firstOffset.toString(), b: batch.lastOffset.toString() },
    );
    if (stored.length === 0) return rows;
    const id = TABLE_COLUMNS[table].indexOf('receipt_id');
    const have = new Set(stored.map((row) => `${String(row['k_offset'])}/${String(row['receipt_id'])}`));
    return rows.filter((row) => !have.has(`${row.offset}/${String(row.cells[id])}`));
  }

  async #insert(table: ReceiptTable, token: string, rows: readonly PlacedRow[]): Promise<void> {
    const bytes = encodeRowBinary(table, rows);
    await this.#guarded(`insert into ${table}`, this.#limitsMs.insert, async (abort_signal) => {
      const { stream } = await this.#client.exec({
        abort_signal,
        query: `INSERT INTO ${this.database}.${table} (${TABLE_COLUMNS[table].join(', ')}) FORMAT RowBinary`,
        values: Readable.from([bytes]),
        clickhouse_settings: { ...INSERT_SETTINGS, insert_deduplication_token: token },
      });
      // an insert says nothing; only its end counts
      await finished(stream.resume());
    });
  }

  async lastOffset(partition: number): Promise<bigint | null> {
    const rows = await this.#rows(
      `SELECT count() AS n, max(k_offset) AS last FROM ${this.database}.log_entries WHERE k_partition = {p:UInt16}`,
      { p: partition },
    );
    return Number(rows[0]?.['n'] ?? 0) === 0 ? null : BigInt(String(rows[0]?.['last']));
  }

  async find(tenantId: string, receiptId: string): Promise<Receipt | null> {
    const parameters = idParameters(tenantId, receiptId);
    for (const where of WHERE_ID) {
      const from = (table: string): string => `${this.database}.${table} FINAL WHERE ${where}`;
      // a statement costs more than what it reads here, so neither waits for the other
      const [[row], attempts] = await Promise.all([
        this.#rows(`SELECT ${RECEIPT_SELECT} FROM ${from('receipts')} LIMIT 1`, parameters),
        this.#rows(`SELECT ${ATTEMPT_SELECT} FROM ${from('attempts')}`, parameters),
      ]);
      if (row !== undefined) return fromReceiptRow(row, attempts);
    }
    return null;
  }

  async findPlace(tenantId: string, receiptId: string): Promise<Pick<LogPlace, 'partition' | 'offset'> | null> {
    for (const where of WHERE_ID) {
      const query = `SELECT k_partition, k_offset FROM ${this.database}.receipts FINAL WHERE ${where} LIMIT 1`;
      const [row] = await this.#rows(query, idParameters(tenantId, receiptId));
      if (row === undefined) continue;
      return { partition: Number(row['k_partition']), offset: BigInt(String(row['k_offset'])) };
    }
    return null;
  }

  async list(tenantId: string, { limit, before, apiKeyId }: ReceiptPage): Promise<readonly Receipt[]> {
    const parameters = {
      t: tenantId,
      k: apiKeyId ?? '',
      n: Math.min(Math.max(limit, 0), LIST_MAX),
      ms: before === undefined ? 0 : receiptTimeMs(before),
      b: before ?? '',
    };
    const where = [
      'tenant_id = {t:String}',
      apiKeyId === undefined ? '' : 'api_key_id = {k:String}',
      before === undefined ? '' : '(ts, toString(receipt_id)) < (fromUnixTimestamp64Milli({ms:Int64}), {b:String})',
    ];
    const rows = await this.#rows(
      `SELECT ${RECEIPT_SELECT} FROM ${this.database}.receipts FINAL WHERE ${where.filter(Boolean).join(' AND ')}
       ORDER BY ts DESC, toString(receipt_id) DESC LIMIT {n:UInt32}`,
      parameters,
    );
    if (rows.length === 0) return [];
    const ids = rows.map((row) => String(row['receipt_id']));
    const attempts = await this.#rows(
      `SELECT ${ATTEMPT_SELECT} FROM ${this.database}.attempts FINAL
       WHERE tenant_id = {t:String} AND ts BETWEEN {from:DateTime64(3)} AND {to:DateTime64(3)} AND receipt_id IN {ids:Array(UUID)}`,
      { t: tenantId, from: String(rows.at(-1)?.['ts']), to: String(rows[0]?.['ts']), ids },
    );
    const of = Map.groupBy(attempts, (row) => String(row['receipt_id']));
    return rows.map((row, index) => fromReceiptRow(row, of.get(ids[index] ?? '') ?? []));
  }

  async sums(): Promise<ReceiptSums> {
    const d = this.database;
    const [row] = await this.#rows(
      `SELECT count() AS receipts, toString(sum(cost_usd)) AS cost,
         (SELECT count() FROM ${d}.attempts FINAL) AS attempts,
         (SELECT count() FROM ${d}.adjustments FINAL) AS adjustments,
         sum(toUInt64(tok_in) + tok_cache_read + tok_cache_write) AS input,
         sum(toUInt64(tok_out) + tok_reasoning) AS output
       FROM ${d}.receipts FINAL`,
      {},
    );
    const integer = (name: string): bigint => BigInt(String(row?.[name] ?? '0'));
    const cost = row?.['cost'];
    return {
      receipts: integer('receipts'),
      attempts: integer('attempts'),
      adjustments: integer('adjustments'),
      costUsd: typeof cost === 'string' && cost !== '' ? cost : '0',
      inputTokens: integer('input'),
      outputTokens: integer('output'),
    };
  }

  async query(sql: string, parameters: Readonly<Record<string, string>>): Promise<AuditResult> {
    return this.#guarded('query', this.#limitsMs.read, async (abort_signal) => {
      const result = await this.#client.query({
        abort_signal,
        query: sql,
        query_params: parameters,
        format: 'JSONCompact',
        clickhouse_settings: { ...READ_SETTINGS, max_execution_time: 30 },
      });
      const answer = await result.json<unknown[]>();
      return {
        columns: (answer.meta ?? []).map(({ name, type }) => ({ name, type })),
        rows: answer.data,
      };
    });
  }

  async takeOver(rebuilt: string): Promise<void> {
    for (const query of exchangeStatements(rebuilt, this.database)) await this.#command(query);
    await this.#command(`DROP DATABASE IF EXISTS ${checkedDatabase(rebuilt)} SYNC`);
  }

  async dropDatabase(): Promise<void> {
    await this.#command(`DROP DATABASE IF EXISTS ${this.database} SYNC`);
  }

  async ping(): Promise<void> {
    await this.#guarded('ping', this.#limitsMs.read, async (abort_signal) => {
      const result = await this.#client.ping({ select: true, abort_signal });
      if (!result.success) throw result.error;
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#client, ...this.#retired].map((client) => client.close()));
  }

  async #rows(query: string, parameters: Record<string, unknown>): Promise<readonly RowObject[]> {
    return this.#guarded('read', this.#limitsMs.read, async (abort_signal) => {
      const result = await this.#client.query({
        abort_signal,
        query,
        query_params: parameters,
        format: 'JSONEachRow',
        clickhouse_settings: READ_SETTINGS,
      });
      return result.json<RowObject>();
    });
  }

  async #command(query: string, query_params: Record<string, unknown> = {}): Promise<void> {
    await this.#guarded('change of tables', this.#limitsMs.change, (abort_signal) =>
      this.#client.command({ query, query_params, abort_signal, clickhouse_settings: CHANGE_SETTINGS }),
    );
  }

  async #guarded<T>(step: string, limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const onReport = (report: StepReport): void => {
      // the connections that gave no answer are not trusted with the next try
      if (report.kind === 'unanswered') {
        this.#retired.push(this.#client);
        this.#client = this.#connect();
      }
      this.#onReport?.(report);
    };
    try {
      return await boundedStep(step, { slowMs: this.#limitsMs.slow, limitMs, onReport }, work);
    } catch (error) {
      throw storeError(error);
    }
  }
}

function rowsOf(batch: ReceiptBatch): ReturnType<typeof batchRows> {
  try {
    return batchRows(batch);
  } catch (error) {
    if (!(error instanceof ColumnError)) throw error;
    throw new RouterError({ code: 'event_undecodable', publicMessage: error.message });
  }
}
