import { createServer } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSqlEngine, type SqlEngine } from './start-sql-engine.js';

const folder = mkdtempSync(join(tmpdir(), 'sql-engine-'));
const options = {
  dataDir: join(folder, 'clickhouse'),
  port: 0,
  host: '127.0.0.1',
  auditPassword: 'look',
  ingestPassword: 'write',
};
let engine: SqlEngine;

const ask = async (
  sql: string,
  user = 'audit',
  password = 'look',
  query = '',
): Promise<{ status: number; text: string; headers: Headers }> => {
  const response = await fetch(`${engine.url}/?database=nextmodel${query}`, {
    method: 'POST',
    body: sql,
    headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
};

const heavyQueries = (): Promise<string> =>
  ask(
    "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'",
    'ingest',
    'write',
  ).then(({ text }) => text);

beforeAll(async () => {
  const from = performance.now();
  engine = await startSqlEngine(options);
  await engine.ready;
  console.log(`ready after ${Math.round(performance.now() - from)} ms`);
});
afterAll(async () => {
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the embedded SQL engine', () => {
  it('answers the official client: command, insert, parameters, compression, ping', async () => {
    const client = createClient({
      url: engine.url,
      username: 'ingest',
      password: 'write',
      database: 'nextmodel',
      compression: { request: true, response: true },
    });
    await client.command({
      query:
        'CREATE TABLE plain (a UInt32, b String, m Decimal64(12)) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100',
    });

    await client.insert({
      table: 'plain',
      columns: ['a', 'b', 'm'],
      format: 'JSONCompactEachRow',
      values: [
        [1, "it's\n€", '0.000000000001'],
        [2, 'two', '3'],
      ],
    });
    const result = await client.query({
      query: 'SELECT b, m FROM plain WHERE b = {b:String}',
      query_params: { b: "it's\n€" },
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_decimals: 1 },
    });

    expect(await result.json()).toEqual([{ b: "it's\n€", m: '0.000000000001' }]);
    expect((await client.ping()).success).toBe(true);
    await client.close();
  });

  it('keeps no setting from one query to the next', async () => {
    const client = createClient({ url: engine.url, username: 'ingest', password: 'write', database: 'nextmodel' });
    await client.command({
      query:
        'CREATE TABLE tokens (a UInt32) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100',
    });
    const insert = (a: number, token?: string) =>
      client.insert({
        table: 'tokens',
        format: 'JSONCompactEachRow',
        values: [[a]],
        ...(token && { clickhouse_settings: { insert_deduplication_token: token } }),
      });

    await insert(1, 'same');
    await insert(1, 'same');
    await insert(2);
    await insert(3);

    const rows = await (
      await client.query({ query: 'SELECT a FROM tokens ORDER BY a', format: 'JSONCompactEachRow' })
    ).json();
    expect(rows).toEqual([[1], [2], [3]]);
    await client.close();
  });

  it('says which format, query and error an answer has', async () => {
    const fine = await ask('SELECT 1 AS a FORMAT JSONEachRow', 'audit', 'look', '&query_id=q-1');
    const wrong = await ask('SELECT nothing FROM nowhere');
    const broken = await ask('SELECT FROM WHERE');

    expect(fine.text).toBe('{"a":1}\n');
    expect(fine.headers.get('x-clickhouse-format')).toBe('JSONEachRow');
    expect(fine.headers.get('x-clickhouse-query-id')).toBe('q-1');
    expect(JSON.parse(fine.headers.get('x-clickhouse-summary') ?? '')).toHaveProperty('read_rows');
    expect(wrong.status).toBe(404);
    expect(wrong.headers.get('x-clickhouse-exception-code')).toBe('60');
    expect(wrong.text).toMatch(/^Code: 60\. DB::Exception: .*\(UNKNOWN_TABLE\)\n$/s);
    expect(broken.status).toBe(400);
  });

  it('knows nobody without the right password', async () => {
    const none = await fetch(`${engine.url}/?query=SELECT%201`);
    const wrong = await ask('SELECT 1', 'audit', 'guess');
    const basic = await fetch(`${engine.url}/?query=SELECT%201`, {
      headers: { authorization: `Basic ${btoa('audit:look')}` },
    });
    const inUrl = await fetch(`${engine.url}/?query=SELECT%201&user=audit&password=look`);

    expect([none.status, wrong.status, basic.status, inUrl.status]).toEqual([403, 403, 200, 200]);
    expect(none.headers.get('x-clickhouse-exception-code')).toBe('516');
  });

  it.each([
    'DROP TABLE plain',
    'ALTER TABLE plain DELETE WHERE 1',
    'INSERT INTO plain (a) VALUES (9)',
    'CREATE TABLE x (a Int8) ENGINE = Memory',
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    'SELECT "file"(\'/etc/passwd\')',
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT 1 INTO OUTFILE '/tmp/never-written'",
    'SELECT * FROM default.`/etc/passwd`',
    'SELECT * FROM system.processes',
    "SELECT * FROM merge('system', 'processes')",
    'SELECT * FROM `sys\\x74em`.processes',
    'SELECT 1; SELECT 2',
    'SET readonly = 0',
    'USE system',
    'KILL QUERY WHERE 1',
    'SELECT 1 SETTINGS max_execution_time = 0',
    'SELECT * FROM numbers(2000000)',
    "SELECT * FROM s3('http://127.0.0.1:1/x.csv')",
    "SELECT * FROM s3Cluster('default', 'http://127.0.0.1:1/x.csv')",
    "SELECT * FROM remote('127.0.0.1:1', 'system.one')",
    "SELECT * FROM remoteSecure('127.0.0.1:1', 'system.one')",
    "SELECT * FROM urlCluster('default', 'http://127.0.0.1:1/', 'CSV')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM executable('id', 'CSV', 'a String')",
    "SELECT * FROM python('x')",
    "SELECT * FROM clusterAllReplicas('default', 'system.one')",
    "DESCRIBE TABLE url('http://127.0.0.1:1/')",
    "EXPLAIN SELECT * FROM url('http://127.0.0.1:1/')",
    "WITH x AS (SELECT * FROM file('/etc/passwd', 'LineAsString')) SELECT * FROM x",
    "SELECT (SELECT * FROM file('/etc/passwd', 'LineAsString') LIMIT 1)",
    "SELECT 1 UNION ALL SELECT length(file('/etc/passwd'))",
    "SELECT 1 INTO OUTFILE '/tmp/never-written' TRUNCATE FORMAT CSV",
    "SELECT 1 INTO /**/ OUTFILE '/tmp/never-written'",
    'SELECT * FROM system.users',
    'SELECT * FROM system.query_log',
    'SELECT * FROM system.zookeeper',
    'SELECT * FROM system.named_collections',
    'SELECT * FROM other.anything',
    'SELECT 1 SETTINGS readonly = 0',
    'SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)',
    'SELECT 1;\nDROP TABLE plain',
    'SELECT sleep(3)',
    'SELECT sleepEachRow(1) FROM numbers(100)',
    'SELECT arrayMap(x -> sleep(1), range(100))',
    'CREATE TABLE nextmodel.copy AS plain',
    'CREATE VIEW nextmodel.v AS SELECT 1',
    "ATTACH TABLE x FROM '/tmp/x' (a Int8) ENGINE = MergeTree ORDER BY a",
    'RENAME TABLE plain TO other',
    'EXCHANGE TABLES plain AND tokens',
    'TRUNCATE TABLE plain',
    'OPTIMIZE TABLE plain FINAL',
    'DELETE FROM plain WHERE 1',
    "BACKUP TABLE plain TO File('/tmp/backup')",
    'GRANT ALL ON *.* TO audit',
    "CREATE USER x IDENTIFIED BY 'y'",
  ])('refuses the reader: %s', async (sql) => {
    expect((await ask(sql)).status).toBeGreaterThanOrEqual(400);
  });

  it.each([
    ['time', 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1', '&max_execution_time=1', '159'],
    [
      'time, in a recursion',
      'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r',
      '&max_execution_time=1',
      '(159|306)',
    ],
    ['memory', 'SELECT length(groupArray(number)) FROM numbers(100000000)', '&max_memory_usage=20000000', '241'],
    [
      'bytes of an answer',
      'SELECT repeat(toString(number), 300000) FROM numbers(100)',
      '&max_result_bytes=10000000',
      '396',
    ],
    [
      'memory, by one value in many rows',
      "SELECT repeat('x', 1000000) FROM numbers(300)",
      '&max_memory_usage=100000000',
      '241',
    ],
  ])('ends what runs into a limit of %s', async (_limit, sql, wishes, code) => {
    const answer = await ask(sql, 'audit', 'look', wishes);

    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get('x-clickhouse-exception-code')).toMatch(new RegExp(`^${code}$`));
    expect((await ask('SELECT 1')).text).toBe('1\n');
  });

  it.each(['max_execution_time', 'max_memory_usage', 'max_result_rows', 'max_result_bytes'])(
    'keeps its ceiling whatever the reader wishes for %s',
    async (name) => {
      const ceiling = await ask(`SELECT getSetting('${name}')`);

      for (const wish of ['0', '-1', '99999999999999', 'x', '']) {
        expect((await ask(`SELECT getSetting('${name}')`, 'audit', 'look', `&${name}=${wish}`)).text).toBe(
          ceiling.text,
        );
      }
    },
  );

  it('refuses the reader a setting that lifts a limit', async () => {
    expect((await ask('SELECT 1', 'audit', 'look', '&allow_ddl=1')).status).toBe(403);
    expect(
      (
        await ask(
          "SELECT getSetting('max_execution_time'), getSetting('readonly')",
          'audit',
          'look',
          '&max_execution_time=100',
        )
      ).text,
    ).toBe('30\t1\n');
  });

  it.each([
    'SELECT version()',
    'SHOW DATABASES',
    'SHOW TABLES',
    'SELECT name FROM system.tables',
    'SELECT * FROM information_schema.tables',
    'DESCRIBE TABLE plain',
    'SELECT timezone(), currentDatabase(), currentUser()',
    'SELECT 1 FORMAT Native',
  ])('lets tools ask: %s', async (sql) => expect((await ask(sql)).status).toBe(200));

  it('says so when asked for a compression that it does not have', async () => {
    expect((await ask('SELECT 1', 'audit', 'look', '&compress=1')).text).toContain('NOT_IMPLEMENTED');
  });

  it('answers a ping quickly while a query runs, and stops a query whose client has gone', async () => {
    const abort = new AbortController();
    const slow = fetch(
      `${engine.url}/?user=audit&password=look&query=${encodeURIComponent('SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1')}`,
      { signal: abort.signal },
    ).catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 300));

    const from = performance.now();
    expect(await (await fetch(`${engine.url}/ping`)).text()).toBe('Ok.\n');
    expect(performance.now() - from).toBeLessThan(500);

    abort.abort();
    await slow;
    await expect.poll(heavyQueries, { timeout: 10_000 }).toBe('0\n');
  });

  it('comes back after its process was killed', async () => {
    const before = engine.pid;
    process.kill(before ?? 0, 'SIGKILL');

    await expect
      .poll(async () => (await ask('SELECT count() FROM plain').catch(() => ({ text: '' }))).text, { timeout: 20_000 })
      .toBe('2\n');

    expect(engine.pid).not.toBe(before);
  });

  it('refuses a port in use and a folder that it cannot read', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const broken = join(folder, 'broken');
    mkdirSync(join(broken, 'metadata'), { recursive: true });
    writeFileSync(join(broken, 'metadata', 'nextmodel.sql'), 'garbage');

    await expect(startSqlEngine({ ...options, port, dataDir: join(folder, 'other') })).rejects.toMatchObject({
      code: 'port_in_use',
    });
    const unreadable = await startSqlEngine({ ...options, dataDir: broken });
    await expect(unreadable.ready).rejects.toThrow(/nextmodel replay receipts/);

    expect(unreadable.state).toBe('failed');
    await unreadable.stop();
    taken.close();
  });

  it('stops within two seconds', async () => {
    const from = performance.now();
    await engine.stop();
    expect(performance.now() - from).toBeLessThan(2_100);
    expect(engine.pid).toBeNull();
  });
});
