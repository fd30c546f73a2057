import { stringify } from 'yaml';
import { describeSettings } from '#config/domain/describe-settings.js';
import { showProblem } from '#config/domain/problem.js';
import { RouterError } from '#events/domain/router-error.js';
import { loadPriceBook } from '#pricing/pricing.module.js';
import { requireSettings } from '../load-settings.js';
import { EXIT, UsageError } from '../output.js';

/** `nextmodel config check`: all problems (exit 78), or the effective configuration with secrets masked. */
export async function run(words: readonly string[]): Promise<number> {
  if (words[0] !== 'check' || words.length > 1) throw new UsageError('usage: nextmodel config check');
  const settings = requireSettings();
  const prices = loadPriceBook({ files: settings.prices.files, nowMs: Date.now() });
  if (!prices.ok) {
    const detail = prices.problems.map((problem) => `  ${showProblem(problem)}`).join('\n');
    const publicMessage = 'The price files have problems.';
    throw new RouterError({ code: 'configuration', publicMessage, detail: `${publicMessage}\n${detail}` });
  }
  process.stdout.write(stringify(describeSettings(settings)));
  return EXIT.ok;
}
