import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TABLE_COLUMNS } from '#receipts/domain/receipt-columns.js';
import {
  ATTEMPT_FIELDS,
  CACHE_FIELDS,
  LINE_FIELDS,
  RECEIPT_FIELDS,
  ROUTE_FIELDS,
} from '../src/dashboard/verify/receipt-fields.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const docs = read('docs/receipts.md');
const golden = JSON.parse(
  (
    JSON.parse(read('libs/events/src/__fixtures__/golden/nextmodel.receipt.sealed.v1.json')) as {
      readonly value: string;
    }
  ).value,
) as Record<string, unknown> & { readonly attempts: readonly Record<string, unknown>[] };

/** Everything between backticks in a section, `route.policyHash`, `.rule` read as two names. */
function namesIn(heading: string): ReadonlySet<string> {
  const start = docs.indexOf(`\n${heading}\n`);
  expect(start, `${heading} is in docs/receipts.md`).toBeGreaterThan(0);
  const level = heading.slice(0, heading.indexOf(' ') + 1);
  const end = docs.indexOf(`\n${level}`, start + heading.length);
  const names = docs.slice(start, end < 0 ? undefined : end).matchAll(/`([^`]+)`/g);
  return new Set([...names].map((match) => match[1] as string));
}
const lastName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

describe('docs/receipts.md', () => {
  it('explains every field of the sealed event', () => {
    const names = namesIn('## Fields');
    const inner = new Set([...names].map(lastName));

    for (const field of Object.keys(RECEIPT_FIELDS)) {
      if (field !== 'cache' && field !== 'route') expect([...names], field).toContain(field);
    }
    for (const field of Object.keys(CACHE_FIELDS)) expect([...names], field).toContain(`cache.${field}`);
    for (const field of Object.keys(ROUTE_FIELDS)) expect([...inner], field).toContain(field);
  });

  it('explains every field of an attempt and of a priced line', () => {
    const names = namesIn('### Attempts');

    for (const field of [...Object.keys(ATTEMPT_FIELDS), ...Object.keys(LINE_FIELDS)]) {
      expect([...names], field).toContain(field);
    }
  });

  it('names every column of every table', () => {
    const names = namesIn('## Fields');

    for (const [table, columns] of Object.entries(TABLE_COLUMNS)) {
      for (const column of columns) {
        expect([...names], `${table}.${column}`).toContain(column.replace(/_hex$/, ''));
      }
    }
  });

  it('speaks of the event that is written: the fields checked are those of the golden file', () => {
    expect(Object.keys(golden)).toEqual(Object.keys(RECEIPT_FIELDS));
    expect(new Set(Object.keys(golden.attempts[1] ?? {}))).toEqual(new Set(Object.keys(ATTEMPT_FIELDS)));
    expect(Object.keys(golden['cache'] as object)).toEqual(Object.keys(CACHE_FIELDS));
    expect(Object.keys(golden['route'] as object)).toEqual(Object.keys(ROUTE_FIELDS));
  });

  it('links each of the seventeen wrong costs to a test that exists, and names files that exist', () => {
    const tests = read('apps/gateway/test/cost-bugs.spec.ts');
    const start = docs.indexOf('## Wrong costs');
    const section = docs.slice(start, docs.indexOf('\n## ', start));

    const rows = [...section.matchAll(/^\| (\d+) +\| .*? \| `([^`]+)` +\|(.*)\|$/gm)];
    const files = [...section.matchAll(/[\w-]+\.(?:e2e|int)-spec\.ts/g)].map(([name]) => name);

    expect(rows.map(([, n]) => Number(n))).toEqual(Array.from({ length: 17 }, (_, n) => n + 1));
    for (const [, n, title = ''] of rows) {
      expect(title.startsWith(`${n}: `), title).toBe(true);
      expect(tests, title).toContain(`'${title}`);
    }
    expect(files.filter((name) => globSync(`{apps,libs}/**/${name}`, { cwd: ROOT }).length !== 1)).toEqual([]);
    for (const [, , , where = ''] of rows) {
      for (const [, file = '', title = ''] of where.matchAll(/`([\w.-]+-spec\.ts)`: ([^;|]+)/g)) {
        const [path = ''] = globSync(`{apps,libs}/**/${file}`, { cwd: ROOT });
        expect(read(path), `${file}: ${title}`).toContain(title.trim());
      }
    }
  });
});
