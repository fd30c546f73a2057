import { armFailpoint } from '#config/failpoint.module.js';
import { RouterError } from '#events/domain/router-error.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { orderFromEnvironment, type IngesterOrder } from './ingester-order.js';
import { runIngester } from './run-ingester.js';

const EXIT = { configuration: 78, bug: 1 } as const;

/** The ingester process: a child that is told over IPC what to do, or on its own by the environment. */
async function main(): Promise<void> {
  armFailpoint();
  const supervised = process.send !== undefined;
  const order = supervised ? await orderFromParent() : orderFromEnvironment();
  const logger = createLogger({ level: order.settings.environment.logLevel }).child({ process: 'receipt-ingester' });
  const running = await runIngester(order, logger);
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    void running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'the ingester did not stop cleanly');
        process.exit(EXIT.bug);
      },
    );
  };
  process.on('SIGTERM', end);
  // A terminal signals the whole group; under a supervisor it decides whose turn it is.
  process.on('SIGINT', supervised ? () => {} : end);
  if (supervised) process.on('disconnect', end);
}

function orderFromParent(): Promise<IngesterOrder> {
  return new Promise((resolve) => {
    process.once('message', (message) => resolve(message as IngesterOrder));
    process.once('disconnect', () => process.exit(0));
  });
}

main().catch((error: unknown) => {
  const known = error instanceof RouterError;
  const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`nextmodel receipt-ingester: ${message}\n`);
  process.exit(known && error.code === 'configuration' ? EXIT.configuration : EXIT.bug);
});
