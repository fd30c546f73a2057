import { randomBytes } from 'node:crypto';
import {
  type Day,
  type Rollup,
  ROLLUP_DAYS_MAX,
  rollupFingerprint,
  ROLLUPS,
  rollupSelect,
} from '../../domain/rollups.js';
import type { RowObject } from '../../domain/receipt-from-row.js';
import type { ReceiptRollups, RollupDrift } from '../../ports/receipt-rollups.js';

/** Statements of one database, bounded in time. */
export interface RollupStatements {
  readonly database: string;
  rows(query: string, parameters: Record<string, unknown>): Promise<readonly RowObject[]>;
  command(query: string, parameters?: Record<string, unknown>): Promise<void>;
}

const STAGE = 'rollup_stage_';
const DAY = /^\d{4}-\d\d-\d\d$/;

/** A day is made in a table of its own beside the rollup and put in its place as a partition. */
export class ClickhouseRollups implements ReceiptRollups {
  readonly #sql: RollupStatements;

  constructor(sql: RollupStatements) {
    this.#sql = sql;
  }

  async rollupDays(): Promise<readonly Day[]> {
    const d = this.#sql.database;
    const parts = [`SELECT toDate(ts) AS day FROM ${d}.receipts`];
    for (const { name, day } of ROLLUPS) parts.push(`SELECT ${day} AS day FROM ${d}.${name}`);
    const rows = await this.#sql.rows(
      `SELECT DISTINCT toString(day) AS name FROM (${parts.join(' UNION ALL ')})
       WHERE day >= today() - {n:UInt16} ORDER BY name`,
      { n: ROLLUP_DAYS_MAX },
    );
    return rows.map((row) => String(row['name']));
  }

  async suspectDays(): Promise<readonly Day[]> {
    const d = this.#sql.database;
    const right = await this.#totals(
      `SELECT toDate(ts) AS day, count() AS n, sum(ifNull(effective_usd, toDecimal128(0, 12))) AS usd
       FROM ${d}.receipts_effective GROUP BY day`,
    );
    const suspects = new Set<Day>();
    for (const { name, day, columns } of ROLLUPS) {
      // a receipt has any number of tags
      if (name === 'spend_tag_daily') continue;
      const hasCost = 'cost' in columns;
      const found = await this.#totals(
        `SELECT ${day} AS day, sum(requests) AS n, ${hasCost ? 'sum(cost)' : "''"} AS usd FROM ${d}.${name} GROUP BY day`,
      );
      for (const one of new Set([...right.keys(), ...found.keys()])) {
        const [a, b] = [right.get(one), found.get(one)];
        if (a?.requests !== b?.requests || (hasCost && a?.cost !== b?.cost)) suspects.add(one);
      }
    }
    return [...suspects].toSorted();
  }

  async #totals(query: string): Promise<ReadonlyMap<Day, { readonly requests: string; readonly cost: string }>> {
    const rows = await this.#sql.rows(
      `SELECT toString(of.day) AS name, toString(of.n) AS requests, toString(of.usd) AS cost FROM (${query}) AS of
       WHERE day >= today() - {n:UInt16}`,
      { n: ROLLUP_DAYS_MAX },
    );
    return new Map(
      rows.map((row) => [String(row['name']), { requests: String(row['requests']), cost: String(row['cost']) }]),
    );
  }

  async compareRollups(day: Day): Promise<readonly RollupDrift[]> {
    const drifts: RollupDrift[] = [];
    for (const rollup of ROLLUPS) {
      const stored = await this.#fingerprint(rollup, day, null);
      const right = await this.#fingerprint(rollup, day, rollupSelect(this.#sql.database, rollup));
      if (stored.rows === right.rows) continue;
      drifts.push({ rollup: rollup.name, day, requests: stored.requests, requestsRight: right.requests });
    }
    return drifts;
  }

  async #fingerprint(
    rollup: Rollup,
    day: Day,
    fresh: string | null,
  ): Promise<{ readonly rows: string; readonly requests: bigint }> {
    const [row] = await this.#sql.rows(rollupFingerprint(this.#sql.database, rollup, fresh), { day: checkedDay(day) });
    const [count, hash, requests] = ['n', 'hash', 'counted'].map((name) => String(row?.[name] ?? '0'));
    return { rows: `${count}/${hash}`, requests: BigInt(requests ?? '0') };
  }

  async rebuildRollups(day: Day): Promise<void> {
    for (const rollup of ROLLUPS) await this.#rebuild(rollup, checkedDay(day));
    await this.#sweep();
  }

  async #rebuild(rollup: Rollup, day: Day): Promise<void> {
    const d = this.#sql.database;
    const stage = `${d}.${STAGE}${randomBytes(6).toString('hex')}`;
    await this.#sql.command(`CREATE TABLE ${stage} AS ${d}.${rollup.name}`);
    try {
      const columns = Object.keys(rollup.columns).join(', ');
      await this.#sql.command(`INSERT INTO ${stage} (${columns}) ${rollupSelect(d, rollup)}`, { day });
      const [row] = await this.#sql.rows(`SELECT toString(count()) AS n FROM ${stage}`, {});
      // a partition cannot be replaced by none
      const change = row?.['n'] === '0' ? `DROP PARTITION '${day}'` : `REPLACE PARTITION '${day}' FROM ${stage}`;
      await this.#sql.command(`ALTER TABLE ${d}.${rollup.name} ${change}`);
    } finally {
      await this.#sql.command(`DROP TABLE IF EXISTS ${stage} SYNC`);
    }
  }

  /** Tables that a killed process left behind. */
  async #sweep(): Promise<void> {
    const rows = await this.#sql.rows(
      `SELECT name FROM system.tables WHERE database = {d:String} AND startsWith(name, '${STAGE}')
       AND metadata_modification_time < now() - INTERVAL 1 HOUR`,
      { d: this.#sql.database },
    );
    for (const row of rows) {
      await this.#sql.command(`DROP TABLE IF EXISTS ${this.#sql.database}.${String(row['name'])} SYNC`);
    }
  }
}

function checkedDay(day: Day): Day {
  if (!DAY.test(day)) throw new RangeError(`not a day: ${day}`);
  return day;
}
