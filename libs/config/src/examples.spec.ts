import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EnvironmentDto } from './adapters/environment/environment-dto.js';
import { loadSettings, parseLocatedYaml } from './config.module.js';
import { DEFAULT_CACHE, DEFAULT_PRICES, DEFAULT_RELIABILITY } from './domain/default-settings.js';
import { ENVIRONMENT_VARIABLES, PROVIDER_KEY_VARIABLES } from './domain/environment-variables.js';
import type { LocatedValue } from './domain/located-value.js';
import { FILE_FIELDS } from './domain/parse-file.js';
import { CACHE_FIELDS, PRICE_FIELDS, RELIABILITY_FIELDS, SEMANTIC_FIELDS } from './domain/parse-limits.js';
import { HEDGE_FIELDS, MODEL_FIELDS, TARGET_FIELDS } from './domain/parse-models.js';
import { PROVIDER_FIELDS } from './domain/parse-providers.js';
import { AUTO_FIELDS, ROUTING_FIELDS, RULE_FIELDS, WHEN_FIELDS } from './domain/parse-routing.js';

const root = resolve(import.meta.dirname, '../../..');
const yaml = readFileSync(join(root, 'nextmodel.example.yaml'), 'utf8');
const dotenv = readFileSync(join(root, '.env.example'), 'utf8');
const assignments = new Map(
  dotenv.split('\n').flatMap((line) => {
    const match = /^([A-Z_]+)=(.*)$/.exec(line);
    return match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const];
  }),
);
const KEYS = Object.fromEntries(Object.keys(PROVIDER_KEY_VARIABLES).map((name) => [name, `key-of-${name}`]));

function keysOf(node: LocatedValue | null, found = new Set<string>()): Set<string> {
  if (node?.kind === 'map') {
    for (const [key, { value }] of node.entries) keysOf(value, found.add(key));
  } else if (node?.kind === 'list') for (const item of node.items) keysOf(item, found);
  return found;
}

describe('nextmodel.example.yaml', () => {
  it('is accepted and holds the defaults', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'nextmodel-example-'));
    const env = { ...KEYS, NEXTMODEL_CONFIG: join(root, 'nextmodel.example.yaml') };

    const loaded = loadSettings({ env, cwd });

    expect(loaded).toMatchObject({ ok: true });
    if (!loaded.ok) return;
    expect(loaded.settings.reliability).toEqual(DEFAULT_RELIABILITY);
    expect(loaded.settings.cache).toEqual(DEFAULT_CACHE);
    expect(loaded.settings.prices).toEqual(DEFAULT_PRICES);
  });

  it('names every setting that the code knows', () => {
    const keys = keysOf(parseLocatedYaml(yaml, 'example').root);
    const known = [FILE_FIELDS, PROVIDER_FIELDS, MODEL_FIELDS, TARGET_FIELDS, ROUTING_FIELDS, RULE_FIELDS, WHEN_FIELDS]
      .concat([AUTO_FIELDS, RELIABILITY_FIELDS, CACHE_FIELDS, SEMANTIC_FIELDS, PRICE_FIELDS, HEDGE_FIELDS] as never[])
      .flat();

    expect(known.filter((field) => !keys.has(field))).toEqual([]);
  });
});

describe('.env.example', () => {
  it('names exactly the variables that the code reads, with their defaults', () => {
    const dto = new EnvironmentDto() as unknown as Record<string, unknown>;

    expect([...assignments.keys()]).toEqual([...ENVIRONMENT_VARIABLES, ...Object.keys(PROVIDER_KEY_VARIABLES)]);
    for (const name of ENVIRONMENT_VARIABLES) {
      const value = dto[name];
      expect([name, assignments.get(name)]).toEqual([name, value === undefined ? '' : String(value)]);
    }
    expect(Object.keys(dto).every((name) => (ENVIRONMENT_VARIABLES as readonly string[]).includes(name))).toBe(true);
  });
});
