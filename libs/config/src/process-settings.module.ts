import { loadSettings, type LoadedSettings } from './config.module.js';

/**
 * The settings of this very process. The only way to the environment for apps.
 * @param configFile in place of the file that the environment names: to try another policy.
 */
export function loadProcessSettings(configFile?: string): LoadedSettings {
  const env = configFile === undefined ? process.env : { ...process.env, NEXTMODEL_CONFIG: configFile };
  return loadSettings({ env, cwd: process.cwd() });
}
