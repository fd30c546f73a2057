import { hostname } from 'node:os';
import { join } from 'node:path';
import { openDataDirectory } from '#config/config.module.js';
import { armFailpoint } from '#config/failpoint.module.js';
import { showProblem } from '#config/domain/problem.js';
import { loadProcessSettings } from '#config/process-settings.module.js';
import { RouterError } from '#events/domain/router-error.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { clickhouseConnection } from '#config/domain/clickhouse-connection.js';
import type { BootOrder, BootReport } from './boot/boot-order.js';
import { onEndSignals } from './boot/end-signals.js';
import { keepHeapSmall } from './boot/heap-settings.js';
import { runGateway } from './boot/run-gateway.js';

const ORPHAN_DRAIN_MS = 500;
const EXIT = { unreachable: 69, configuration: 78, bug: 1 } as const;

/** A gateway process: a child that is told over IPC what to be, or on its own by the environment. */
async function main(): Promise<void> {
  keepHeapSmall();
  armFailpoint();
  const supervised = process.send !== undefined;
  // While it starts nothing of a client's is here, and its log may be left at any moment.
  let end: (drainMs?: number) => void = endAtOnce;
  onEndSignals(
    () => end(),
    () => end(0),
  );
  // A supervisor that died takes its gateways with it, soon, because its successor waits for port and log; but what
  // they have dispatched is sealed first.
  if (supervised) process.on('disconnect', () => end(ORPHAN_DRAIN_MS));
  const { order, close } = supervised ? { order: await orderFromParent(), close: null } : await ownOrder();
  const logger = createLogger({ level: order.settings.environment.logLevel });
  const running = await runGateway(order, logger);
  report({ kind: 'ready', partition: order.partition, recoveredReceipts: running.recoveredReceipts });
  if (!supervised)
    logger.info({ host: order.settings.environment.host, port: order.settings.environment.port }, 'gateway is ready');
  end = (drainMs) => {
    void running
      .shutDown(drainMs)
      .then(() => close?.())
      .then(() => process.exit(0));
  };
}

function endAtOnce(): void {
  process.exit(0);
}

function orderFromParent(): Promise<BootOrder> {
  return new Promise((resolve) => {
    process.once('message', (message) => resolve(message as BootOrder));
  });
}

async function ownOrder(): Promise<{ readonly order: BootOrder; readonly close: () => Promise<void> }> {
  const loaded = loadProcessSettings();
  if (!loaded.ok) {
    throw new RouterError({
      code: 'configuration',
      publicMessage: 'The configuration has problems.',
      detail: loaded.problems.map(showProblem).join('\n'),
    });
  }
  const { settings } = loaded;
  const { environment } = settings;
  const directory = await openDataDirectory(environment.dataDir, environment);
  const { secrets } = directory;
  return {
    order: {
      kind: 'boot',
      settings,
      partition: 0,
      sharedPort: false,
      logDirectory: directory.log,
      vectorsDirectory: directory.vectors,
      clickhouseDirectory: directory.clickhouse,
      secretsDirectory: directory.secretsPath,
      apiKey: secrets.apiKey.value,
      adminToken: secrets.adminToken.value,
      masterKey: secrets.masterKey.value,
      sql: environment.clickhouseUrl === null ? null : clickhouseConnection(environment.clickhouseUrl),
      instance: `${hostname()}-${join(directory.path).replaceAll(/[^\w]+/g, '-')}`,
    },
    close: () => directory.close(),
  };
}

function report(message: BootReport): void {
  process.send?.(message);
}

main().catch((error: unknown) => {
  const known = error instanceof RouterError;
  const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  report({ kind: 'failed', code: known ? error.code : 'internal', message });
  process.stderr.write(`nextmodel gateway: ${message}\n`);
  const code = known && error.code === 'configuration' ? EXIT.configuration : known ? EXIT.unreachable : EXIT.bug;
  setTimeout(() => process.exit(code), 50);
});
