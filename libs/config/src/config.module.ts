import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readEnvironment } from './adapters/environment/read-environment.js';
import { parseLocatedYaml } from './adapters/yaml/located-yaml.js';
import {
  DEFAULT_CACHE,
  DEFAULT_PRICES,
  DEFAULT_TRANSPARENCY,
  DEFAULT_RELIABILITY,
  providersFromEnvironment,
} from './domain/default-settings.js';
import { resolveReferences } from './domain/environment-references.js';
import { parseFile } from './domain/parse-file.js';
import type { Problem } from './domain/problem.js';
import type { Settings } from './domain/settings.js';

export { dataDirectoryOwner, openDataDirectory, readSecrets } from './adapters/data-directory/data-directory.js';
export { lockDirectory, type DirectoryLock } from './adapters/data-directory/directory-lock.js';
export type { DataDirectory } from './adapters/data-directory/data-directory.js';
export { parseLocatedYaml } from './adapters/yaml/located-yaml.js';

export interface SettingsSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of the environment start. */
  readonly cwd: string;
}

export type LoadedSettings =
  { readonly ok: true; readonly settings: Settings } | { readonly ok: false; readonly problems: readonly Problem[] };

const FILE_NAME = 'nextmodel.yaml';

/**
 * The effective configuration: environment, `nextmodel.yaml` if there is one, defaults.
 * Never throws: all problems of both come back together, and the caller exits with 78.
 */
export function loadSettings({ env, cwd }: SettingsSource): LoadedSettings {
  const environment = readEnvironment(env, cwd);
  const problems: Problem[] = [...environment.problems];
  const found = providersFromEnvironment(env);
  const configFile = findFile(environment.configPath, cwd);
  let settings: Settings = {
    environment: environment.settings,
    providers: found.providers,
    models: found.models,
    routing: { rules: [], auto: found.auto },
    reliability: DEFAULT_RELIABILITY,
    cache: DEFAULT_CACHE,
    prices: DEFAULT_PRICES,
    transparency: DEFAULT_TRANSPARENCY,
    configFile,
  };
  if (configFile !== null) {
    const root = readConfigFile(configFile, problems);
    if (root !== null) {
      const sink = { file: configFile, problems };
      const locate = (path: string): string | null => {
        const absolute = resolve(dirname(configFile), path);
        return existsSync(absolute) ? absolute : null;
      };
      settings = { ...settings, ...parseFile(resolveReferences(root, env, sink), { found, locate }, sink) };
    }
  }
  return problems.length === 0 ? { ok: true, settings } : { ok: false, problems };
}

function findFile(given: string | null, cwd: string): string | null {
  if (given !== null) return resolve(cwd, given);
  const usual = resolve(cwd, FILE_NAME);
  return existsSync(usual) ? usual : null;
}

function readConfigFile(file: string, problems: Problem[]): ReturnType<typeof parseLocatedYaml>['root'] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    problems.push({ file, line: 0, path: '', message: `cannot be read (${code})` });
    return null;
  }
  const { root, problems: found } = parseLocatedYaml(text, file);
  problems.push(...found);
  return root;
}
