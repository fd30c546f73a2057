import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatOfSql, guardReadOnlySql } from './sql-guard.js';

const verdict = (sql: string): boolean => guardReadOnlySql(sql, ['newFunction', 'numbers', 'input']).ok;

describe('the guard of the read-only SQL user', () => {
  it.each([
    'SELECT 1',
    '  (SELECT 1)',
    '-- why\nSELECT /* what */ 1;',
    "SELECT 'DROP TABLE x; INTO OUTFILE file(' AS text",
    "SELECT 'it''s \\' fine' FROM receipts",
    'WITH x AS (SELECT 1) SELECT * FROM x',
    'SHOW CREATE TABLE receipts',
    'DESCRIBE TABLE receipts',
    'EXPLAIN SELECT 1',
    'EXISTS TABLE receipts',
    'SELECT * FROM nextmodel.receipts FINAL WHERE tags[{a:String}] = 1e-3',
    'SELECT sum(cost_usd) FROM receipts FORMAT JSONCompact',
    'SELECT * FROM "system"."tables"',
    'SELECT number FROM numbers(3)',
    "SELECT hex(x'41')",
    'SELECT sum(tok_in) AS input FROM receipts',
    'SELECT name FROM system.settings WHERE changed = 1',
  ])('lets through: %s', (sql) => {
    expect(verdict(sql)).toBe(true);
  });

  it.each([
    '',
    ';',
    'INSERT INTO receipts VALUES (1)',
    'DROP TABLE receipts',
    'SELECT 1; DROP TABLE receipts',
    "SELECT * FROM file('x')",
    "SELECT FILE('x')",
    "SELECT `file`('x')",
    'SELECT * FROM newFunction()',
    "SELECT dictGet('a', 'b', 1)",
    "SELECT aiGenerate('x')",
    "SELECT 1 INTO OUTFILE 'x'",
    'SELECT * FROM system.query_log',
    'SELECT * FROM system /* a */ . users',
    'SELECT * FROM "system".`users`',
    'SELECT * FROM default."/etc/passwd"',
    'SELECT * FROM {d:Identifier}.{t:Identifier}',
    'SELECT $$text$$',
    'SELECT ‘text’',
    "SELECT 1 # ' comment\n, file('x') -- '",
    "SELECT x'\\' , file(1) --'",
    'SELECT 1 /* /* */ , 1 */',
    "SELECT 1 // ' \n, 2 -- '",
    'SELECT "a\\x62"',
    "SELECT 'open",
    'SELECT 1 /* open',
    'SHOW PROCESSLIST',
    'SHOW GRANTS',
    'SET max_threads = 1',
    'USE system',
    'SYSTEM SHUTDOWN',
    'SELECT 1 PARALLEL WITH DROP TABLE receipts',
    'TABLE receipts',
    'EXECUTE AS other SELECT 1',
    'SELECT 1 SETTINGS max_execution_time = 0',
    'SELECT * FROM (SELECT 1 settings /* */ max_memory_usage=0)',
    'SELECT 1 SETTINGS `max_memory_usage` = 0',
  ])('stops: %s', (sql) => {
    expect(verdict(sql)).toBe(false);
  });

  it('never throws, and never lets a forbidden name through by what stands around it', () => {
    const filler = fc.stringMatching(/^[ \n\ta-z0-9(),.*=<>+-]{0,20}$/);
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), filler, filler, (any, before, after) => {
        expect(() => guardReadOnlySql(any)).not.toThrow();
        const line = before.replaceAll('--', '- ');
        expect(guardReadOnlySql(`SELECT ${line} file ('/x') ${after}`).ok).toBe(false);
      }),
    );
  });

  it('reads the format that a query asks for', () => {
    expect(formatOfSql('SELECT 1 FORMAT JSON;')).toBe('JSON');
    expect(formatOfSql("SELECT 'FORMAT x'")).toBeNull();
    expect(formatOfSql('SELECT format(CSV, 1)')).toBeNull();
  });
});
