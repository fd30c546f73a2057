import { showProblem } from '#config/domain/problem.js';
import type { Settings } from '#config/domain/settings.js';
import { loadProcessSettings } from '#config/process-settings.module.js';
import { RouterError } from '#events/domain/router-error.js';

/** @throws RouterError `configuration` that lists all problems at once (exit 78). */
export function requireSettings(configFile?: string): Settings {
  const loaded = loadProcessSettings(configFile);
  if (loaded.ok) return loaded.settings;
  const count = loaded.problems.length;
  throw new RouterError({
    code: 'configuration',
    publicMessage: 'The configuration has problems.',
    detail: [
      `the configuration has ${count} problem${count === 1 ? '' : 's'}:`,
      ...loaded.problems.map((problem) => `  ${showProblem(problem)}`),
    ].join('\n'),
  });
}
