import { suggestion } from './did-you-mean.js';
import type { LocatedValue } from './located-value.js';
import { parseCache, parsePrices, parseReliability } from './parse-limits.js';
import { parseModels } from './parse-models.js';
import { parseProviders } from './parse-providers.js';
import { parseRouting } from './parse-routing.js';
import { parseTransparency } from './parse-transparency.js';
import { Section, type ProblemSink } from './section.js';
import type { AutoSettings, ModelSettings, ProviderSettings, Settings } from './settings.js';

export const FILE_FIELDS = [
  'providers',
  'models',
  'routing',
  'reliability',
  'cache',
  'prices',
  'transparency',
] as const;

export interface FileSurroundings {
  /** What holds for a file that names no providers. */
  readonly found: Pick<Settings, 'providers' | 'models'> & { readonly auto: AutoSettings };
  readonly locate: (path: string) => string | null;
}

/** The whole file, references to the environment already put in. Problems go to the sink. */
export function parseFile(
  rootValue: LocatedValue,
  surroundings: FileSurroundings,
  sink: ProblemSink,
): Omit<Settings, 'environment' | 'configFile'> {
  const root = Section.of(rootValue, '', FILE_FIELDS, sink);
  const ownProviders = parseProviders(root);
  const usesFound = Object.keys(ownProviders).length === 0 && !root.has('providers');
  const providers = usesFound ? surroundings.found.providers : ownProviders;
  const models = { ...(usesFound ? surroundings.found.models : {}), ...parseModels(root, Object.keys(providers)) };
  if (root.has('providers') && Object.keys(ownProviders).length === 0) {
    root.report('providers', 'is empty: name one, or leave it out to let the environment decide');
  }
  const auto = usesFound ? surroundings.found.auto : null;
  return {
    providers,
    models,
    routing: parseRouting(root, (model) => unknownModel(model, models, providers), auto),
    reliability: parseReliability(root),
    cache: parseCache(root, providers),
    prices: parsePrices(root, surroundings.locate),
    transparency: parseTransparency(root),
  };
}

/** `null` when the name is an alias, matches an alias with a star, or starts with a provider's name. */
function unknownModel(
  model: string,
  models: Readonly<Record<string, ModelSettings>>,
  providers: Readonly<Record<string, ProviderSettings>>,
): string | null {
  if (Object.hasOwn(models, model)) return null;
  const slash = model.indexOf('/');
  if (slash > 0 && Object.hasOwn(providers, model.slice(0, slash))) return null;
  const matches = Object.keys(models).some((alias) => {
    const star = alias.indexOf('*');
    if (star < 0) return false;
    const fits = model.length >= alias.length - 1;
    return fits && model.startsWith(alias.slice(0, star)) && model.endsWith(alias.slice(star + 1));
  });
  return matches ? null : `no model "${model}" is configured${suggestion(model, Object.keys(models))}`;
}
