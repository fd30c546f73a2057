import { loadSettings, type LoadedSettings } from './config.module.js';

/** The settings of this very process. The only way to the environment for apps. */
export function loadProcessSettings(): LoadedSettings {
  return loadSettings({ env: process.env, cwd: process.cwd() });
}
