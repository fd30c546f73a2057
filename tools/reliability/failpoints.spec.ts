import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FAILPOINTS } from '#events/ports/failpoint.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Programs that own data, and so must be able to die on purpose. */
const ENTRIES = ['gateway/src/main.ts', 'gateway/src/shipper-main.ts', 'receipt-ingester/src/main.ts'];

function sources(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('spec.ts'))
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'));
}

describe('the named moments at which a process can be made to die', () => {
  it('are all passed by the product, and no other is', () => {
    const passed = [...sources('apps'), ...sources('libs')].flatMap((text) =>
      [...text.matchAll(/\bpass\('(\w+)'\)/g)].map(([, name]) => name),
    );

    expect([...new Set(passed)].toSorted()).toEqual([...FAILPOINTS].toSorted());
  });

  it('are all explained, and no other is', () => {
    const text = readFileSync(join(ROOT, 'tools/reliability/README.md'), 'utf8');
    const table = text.slice(text.indexOf('| Name | Moment |'));

    const explained = [...table.matchAll(/^\|([^|]+)\|/gm)].flatMap(([, cell]) =>
      [...(cell as string).matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );

    expect(explained.toSorted()).toEqual([...FAILPOINTS].toSorted());
  });

  it.each(ENTRIES)('are armed by apps/%s', (entry) => {
    expect(readFileSync(join(ROOT, 'apps', entry), 'utf8')).toMatch(/^ +armFailpoint\(\);$/m);
  });
});
