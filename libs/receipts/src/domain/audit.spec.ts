import { describe, expect, it } from 'vitest';
import { readAudits } from '../adapters/files/audit-files.js';
import { runAudit } from '../usecases/run-audit.js';
import { findAudit, parseAudit } from './audit.js';
import { guardReadOnlySql } from './sql-guard.js';

describe('audits', () => {
  const audits = readAudits();

  it('are twelve questions and completeness, each with a title and a default for each parameter', () => {
    expect(audits.map(({ name }) => name.slice(0, 2))).toEqual([
      ...Array.from({ length: 12 }, (_, i) => String(i + 1).padStart(2, '0')),
      'co',
    ]);
    for (const audit of audits) {
      const used = new Set([...audit.sql.matchAll(/\{(\w+):/g)].map((match) => match[1]));
      expect(audit.title.length, audit.name).toBeGreaterThan(10);
      expect(new Set(audit.parameters.map(({ name }) => name)), audit.name).toEqual(used);
    }
  });

  it('may be run by the read-only user', () => {
    for (const audit of audits) expect(guardReadOnlySql(audit.sql), audit.name).toMatchObject({ ok: true });
  });

  it('are found by number, by name and by both', () => {
    expect(findAudit(audits, '4')?.name).toBe('04-chargeback');
    expect(findAudit(audits, 'chargeback')?.name).toBe('04-chargeback');
    expect(findAudit(audits, '04-chargeback.sql')?.name).toBe('04-chargeback');
    expect(findAudit(audits, 'nothing')).toBeNull();
  });

  it('run with defaults and overrides, and name what there is when asked for what there is not', async () => {
    const audit = parseAudit(
      '01-x',
      "-- Title\n-- @param tenant String = '' -- who\n-- @param days UInt16 = 30\nSELECT 1",
    );
    const asked: Readonly<Record<string, string>>[] = [];
    const store = {
      query: async (_sql: string, parameters: Readonly<Record<string, string>>) => {
        asked.push(parameters);
        return { columns: [], rows: [] };
      },
    };

    await runAudit(store, [audit], 'x', { days: '7' });

    expect(asked).toEqual([{ tenant: '', days: '7' }]);
    await expect(runAudit(store, [audit], 'y')).rejects.toThrow('01-x');
    await expect(runAudit(store, [audit], 'x', { dyas: '7' })).rejects.toThrow('tenant, days');
  });
});
