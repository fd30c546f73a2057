import { stringify } from 'yaml';
import { describeSettings } from '#config/domain/describe-settings.js';
import { requireSettings } from '../load-settings.js';
import { EXIT, UsageError } from '../output.js';

/** `nextmodel config check`: all problems (exit 78), or the effective configuration with secrets masked. */
export async function run(words: readonly string[]): Promise<number> {
  if (words[0] !== 'check' || words.length > 1) throw new UsageError('usage: nextmodel config check');
  process.stdout.write(stringify(describeSettings(requireSettings())));
  return EXIT.ok;
}
