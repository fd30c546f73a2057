import { createLogger } from '#telemetry/telemetry.module.js';
import { onEndSignals } from '../../../gateway/src/boot/end-signals.js';
import { startStandalone } from '../../../standalone/src/standalone.js';
import { requireSettings } from '../load-settings.js';
import { EXIT, UsageError } from '../output.js';
import { startBanner } from '../start-banner.js';

/** `nextmodel start`: runs until SIGTERM or SIGINT, then drains and exits 0; a second signal ends the draining. */
export async function run(words: readonly string[] = []): Promise<number> {
  if (words.length > 0)
    throw new UsageError('usage: nextmodel start (settings come from the environment and nextmodel.yaml)');
  const settings = requireSettings();
  const logger = createLogger({ level: settings.environment.logLevel });
  const startedMs = performance.now();
  // While it starts nothing is under way: the children end by themselves when this process is gone.
  let end: () => void = endAtOnce;
  let hurry: () => void = endAtOnce;
  onEndSignals(
    () => end(),
    () => hurry(),
  );
  const standalone = await startStandalone({ settings, logger });
  process.stdout.write(startBanner(standalone, performance.now() - startedMs));
  hurry = () => standalone.hurry();
  await new Promise<void>((resolve) => {
    end = resolve;
  });
  process.stdout.write('\nStopping: finishing what is under way (up to 30 s).\n');
  await standalone.stop();
  // What is left are idle handles of libraries; everything of ours is closed and on disk.
  setImmediate(() => process.exit(EXIT.ok));
  return EXIT.ok;
}

function endAtOnce(): void {
  process.exit(EXIT.ok);
}
