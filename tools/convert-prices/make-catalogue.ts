import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { waitForUpdate } from '@pydantic/genai-prices';
import { parseLocatedYaml } from '#config/config.module.js';
import type { Problem } from '#config/domain/problem.js';
import { Section } from '#config/domain/section.js';
import type { CatalogueData, CatalogueModel, CatalogueProvider } from '#pricing/domain/catalogue.js';
import { divideHalfEven, exactDecimal } from '#pricing/domain/exact-decimal.js';
import { parsePriceFile } from '#pricing/domain/price-file.js';
import { convertProvider } from './convert-genai-prices.js';

const root = resolve(import.meta.dirname, '../..');
const ASSETS = resolve(root, 'assets/pricing');
const CATALOGUE_PATH = resolve(ASSETS, 'catalogue.json');

/** The text of `assets/pricing/catalogue.json`: the same bytes for the same inputs. One model a line, for reviews. */
export async function makeCatalogue(): Promise<string> {
  const manifest = resolve(root, 'node_modules/@pydantic/genai-prices/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const source = `genai-prices@${version}`;
  const providers: Record<string, CatalogueProvider> = {};
  for (const provider of (await waitForUpdate()) ?? []) {
    const converted = convertProvider(provider, source);
    if (converted.models.length > 0) providers[provider.id] = converted;
  }
  const fx = readFx();
  providers['ark'] = readHandKept('ark-cny.yaml', 'ark-cny', new Set(Object.keys(fx)));
  providers['demo'] = readHandKept('demo.yaml', 'demo', new Set());
  return format({ sources: [source, 'ark-cny.yaml', 'demo.yaml', 'fx.yaml'], providers, fx });
}

/** @returns path of the file that `makeCatalogue` describes. */
export const cataloguePath = (): string => CATALOGUE_PATH;

/** Names with a date behind them (`-251015`) belong to the same model. */
function readHandKept(file: string, source: string, currencies: ReadonlySet<string>): CatalogueProvider {
  const problems: Problem[] = [];
  const parsed = parseLocatedYaml(readFileSync(resolve(ASSETS, file), 'utf8'), file);
  problems.push(...parsed.problems);
  const records = parsed.root === null ? [] : parsePriceFile(parsed.root, source, currencies, { file, problems });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const models = [...Map.groupBy(records, ({ model }) => model)].map(([id, all]): CatalogueModel => ({
    id,
    match: { or: [{ equals: id }, { regex: `^${id.replaceAll('.', '\\.')}-\\d{6}$` }] },
    records: all,
  }));
  return { also: [], models };
}

function readFx(): CatalogueData['fx'] {
  const { root: value } = parseLocatedYaml(readFileSync(resolve(ASSETS, 'fx.yaml'), 'utf8'), 'fx.yaml');
  const problems: Problem[] = [];
  const file = Section.of(value ?? undefined, '', null, { file: 'fx.yaml', problems });
  const fx: Record<string, { date: string; rateNano: string }[]> = {};
  for (const currency of file.names) {
    fx[currency] = file.sections(currency, ['date', 'per_usd', 'source']).map((day) => {
      const perUsd = exactDecimal(day.requiredString('per_usd'), 12);
      if (perUsd === null || perUsd <= 0n) throw new Error(`fx.yaml: ${currency} has no usable per_usd`);
      return {
        date: day.requiredString('date'),
        rateNano: divideHalfEven(1_000_000_000n * 1_000_000_000_000n, perUsd).toString(),
      };
    });
  }
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return fx;
}

function format(data: CatalogueData): string {
  const providers = Object.keys(data.providers)
    .sort()
    .map((id) => {
      const { also, models } = data.providers[id] as CatalogueProvider;
      const lines = models.map((model) => JSON.stringify(model)).join(',\n');
      return `${JSON.stringify(id)}:{"also":${JSON.stringify(also)},"models":[\n${lines}\n]}`;
    });
  const fx = JSON.stringify(data.fx);
  return `{"sources":${JSON.stringify(data.sources)},"fx":${fx},"providers":{\n${providers.join(',\n')}\n}}\n`;
}
