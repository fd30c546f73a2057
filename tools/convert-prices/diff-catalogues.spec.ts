import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { CatalogueData } from '#pricing/domain/catalogue.js';
import { cataloguePath } from './make-catalogue.js';
import { diffCatalogues, isEmptyDiff, parseCatalogue, showDiff } from './diff-catalogues.js';

const TEXT = readFileSync(cataloguePath(), 'utf8');
const read = (text = TEXT): CatalogueData => {
  const parsed = parseCatalogue(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
};
type Writable<T> = { -readonly [K in keyof T]: T[K] extends object ? Writable<T[K]> : T[K] };
function changed(edit: (catalogue: Writable<CatalogueData>) => void): CatalogueData {
  const copy = read() as Writable<CatalogueData>;
  edit(copy);
  return copy as CatalogueData;
}
const modelOf = (catalogue: Writable<CatalogueData>, provider: string, id: string) => {
  const found = catalogue.providers[provider]?.models.find((model) => model.id === id);
  if (found === undefined) throw new Error(`${provider}/${id}`);
  return found;
};
const HAIKU = 'claude-3-5-haiku-latest';

describe('what a new catalogue changes', () => {
  it('is nothing between equal ones, and their names alone are no change', () => {
    const renamed = changed((catalogue) => {
      catalogue.sources[0] = 'genai-prices@9.9.9';
    });

    expect(isEmptyDiff(diffCatalogues(read(), read()))).toBe(true);
    expect(isEmptyDiff(diffCatalogues(read(), renamed))).toBe(true);
    expect(showDiff(diffCatalogues(read(), renamed))).toMatch(/^No change in \d{3,} models\.\n$/);
  });

  it('is told as models that come and go, rates with percent, times, names and exchange rates', () => {
    const after = changed((catalogue) => {
      const anthropic = catalogue.providers['anthropic'];
      const haiku = modelOf(catalogue, 'anthropic', HAIKU);
      const [record] = haiku.records;
      if (anthropic === undefined || record === undefined) throw new Error('no such model');
      anthropic.models = anthropic.models.filter(({ id }) => id !== 'claude-2');
      anthropic.models.push({ ...structuredClone(haiku), id: 'claude-new' });
      haiku.records.push({ ...structuredClone(record), validFrom: '2027-01-01T00:00:00.000Z' });
      record.rates = { ...record.rates, output_text: '5000000', input_uncached: '8000000' };
      haiku.match = { equals: HAIKU };
      const [day] = catalogue.fx['CNY'] ?? [];
      if (day !== undefined) day.rateNano = '150000000';
    });

    const diff = diffCatalogues(read(), after);

    expect(diff.added).toEqual([
      { model: 'anthropic/claude-new', rates: expect.objectContaining({ output_text: '4' }) as object },
    ]);
    expect(diff.removed).toEqual(['anthropic/claude-2']);
    expect(diff.changed).toEqual([
      expect.objectContaining({ rate: 'input_uncached', before: '0.8', after: '8', percent: 900 }),
      expect.objectContaining({ rate: 'output_text', before: '4', after: '5', percent: 25, validity: 'always' }),
    ]);
    expect(diff.validity).toMatchObject([
      { model: `anthropic/${HAIKU}`, change: 'added', validity: 'from 2027-01-01' },
    ]);
    expect(diff.rules).toMatchObject([{ model: `anthropic/${HAIKU}`, what: 'match' }]);
    expect(diff.fx).toMatchObject([{ currency: 'CNY', after: '0.15' }]);
    const text = showDiff(diff);
    expect(text).toContain(`! anthropic/${HAIKU} always  input_uncached 0.8 → 8 USD (+900 %)\n`);
    expect(text).toContain(`~ anthropic/${HAIKU} always  output_text 4 → 5 USD (+25 %)\n`);
    expect(text).toContain('- anthropic/claude-2\n');
    expect(text).toContain('2 rates changed (1 by more than the double or the half)');
  });

  it('sees tiers, rates that come or go, zero, and another currency', () => {
    const tiered = read().providers['google']?.models.find(({ records }) => (records[0]?.tiers.length ?? 0) > 0);
    if (tiered === undefined) throw new Error('the catalogue has no tiers');
    const after = changed((catalogue) => {
      const [record] = modelOf(catalogue, 'google', tiered.id).records;
      const [tier] = record?.tiers ?? [];
      if (record === undefined || tier === undefined) throw new Error('no tier');
      tier.rates = { ...tier.rates, output_text: '0' };
      record.tierMode = 'graduated';
      const [other] = modelOf(catalogue, 'anthropic', HAIKU).records;
      if (other !== undefined) other.currency = 'CNY';
    });

    const diff = diffCatalogues(read(), after);
    const back = diffCatalogues(after, read());

    const of = (model: string, list = diff.changed) => list.filter((change) => change.model === model);
    expect(of(`google/${tiered.id}`)).toMatchObject([
      { rate: expect.stringMatching(/> \d+: output_text$/), after: '0', percent: -100 },
    ]);
    expect(of(`google/${tiered.id}`, back.changed)).toMatchObject([{ before: '0', percent: null }]);
    expect(diff.rules).toMatchObject([{ what: expect.stringContaining('tier_mode'), after: '"graduated"' }]);
    expect(of(`anthropic/${HAIKU}`)[0]).toMatchObject({ currency: 'USD → CNY', percent: null });
  });

  it('is refused for a file that is no catalogue', () => {
    for (const text of ['', '[]', '{}', '{"providers":{"a":{"models":[{"id":"x"}]}},"fx":{},"sources":[]}']) {
      expect(typeof parseCatalogue(text)).toBe('string');
    }
  });
});

describe('prices:convert --diff', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prices-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const script = fileURLToPath(new URL('./convert-prices.mjs', import.meta.url));
  const run = (...words: string[]) => spawnSync(process.execPath, [script, ...words], { encoding: 'utf8' });

  it('ends with 0 without changes, 1 with changes, for programs as JSON, and 2 for what it cannot take', () => {
    const other = file('other.json', TEXT.replace('"output_text":"4000000"', '"output_text":"5000000"'));

    const same = run('--diff', '--to', cataloguePath());
    const text = run('--diff', '--to', other);
    const json = run('--diff', '--json', '--from', other, '--to', cataloguePath());
    const odd = [
      run(),
      run('--diff', '--to', file('odd.json', '{}')),
      run('--diff', '--odd'),
      run('--write', '--diff'),
    ];

    expect([same.status, text.status, json.status, ...odd.map(({ status }) => status)], same.stderr).toEqual([
      0, 1, 1, 2, 2, 2, 2,
    ]);
    expect(text.stdout).toContain('output_text 4 → 5 USD (+25 %)');
    expect(JSON.parse(json.stdout)).toMatchObject({ added: [], changed: [{ before: '5', after: '4', percent: -20 }] });
    expect(odd[1]?.stderr).toContain('it is no catalogue of prices');
  });
});
