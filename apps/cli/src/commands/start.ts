import { createLogger } from '#telemetry/telemetry.module.js';
import { startStandalone } from '../../../standalone/src/standalone.js';
import { requireSettings } from '../load-settings.js';
import { EXIT, UsageError } from '../output.js';
import { startBanner } from '../start-banner.js';

/** `nextmodel start`: runs until SIGTERM or SIGINT, then drains and exits 0. */
export async function run(words: readonly string[] = []): Promise<number> {
  if (words.length > 0)
    throw new UsageError('usage: nextmodel start (settings come from the environment and nextmodel.yaml)');
  const settings = requireSettings();
  const logger = createLogger({ level: settings.environment.logLevel });
  const startedMs = performance.now();
  const standalone = await startStandalone({ settings, logger });
  process.stdout.write(startBanner(standalone, performance.now() - startedMs));
  await new Promise<void>((resolve) => {
    // Not `once`: npm and terminals send a signal twice, and the second must not end the draining.
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
  process.stdout.write('\nStopping: finishing what is under way (up to 30 s).\n');
  await standalone.stop();
  // What is left are idle handles of libraries; everything of ours is closed and on disk.
  setImmediate(() => process.exit(EXIT.ok));
  return EXIT.ok;
}
