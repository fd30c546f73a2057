import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataDirectory, type DataDirectory } from '#config/config.module.js';
import { withOllama } from '#config/domain/default-settings.js';
import type { Settings } from '#config/domain/settings.js';
import { clickhouseConnection } from '#config/domain/clickhouse-connection.js';
import type { BootOrder } from '#gateway/boot/boot-order.js';
import { createModelCatalogue } from '#providers/providers.module.js';
import { startSqlEngine, type SqlEngine } from '#receipts/receipts.module.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { GatewayChild } from './gateway-children.js';
import { IngesterChild } from './ingester-child.js';

/** Gateways take about as long to start, so this is rarely waited for. */
const TABLES_MS_MAX = 1_500;

/** A running standalone: gateway processes, the SQL engine and the ingester, each in a process of its own. */
export interface Standalone {
  readonly settings: Settings;
  readonly directory: DataDirectory;
  readonly baseUrl: string;
  /** `null` when the engine is not available here; requests are served all the same. */
  readonly sqlUrl: string | null;
  readonly sqlProblem: string | null;
  readonly recoveredReceipts: number;
  stop(): Promise<void>;
  /** After `stop`: answers under way are not waited for any longer; they end in an error, with their receipts. */
  hurry(): void;
}

export interface StandaloneOptions {
  readonly settings: Settings;
  readonly logger: Logger;
}

/**
 * Starts everything on the engines that the settings name, embedded ones where they name none. Resolves when requests
 * are taken and SQL answers; an engine that is not ready 1.5 s after the gateways follows later.
 * @throws RouterError `data_directory_owned`, `port_in_use`, `configuration`.
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { logger } = options;
  const environment = options.settings.environment;
  const directory = await openDataDirectory(environment.dataDir, environment);
  const running: { stop(): Promise<void> }[] = [];
  try {
    const settings = await withLocalModels(options.settings);
    const ingestPassword = randomBytes(24).toString('base64url');
    const engine =
      environment.clickhouseUrl === null ? await startEngine(settings, directory, ingestPassword, logger) : null;
    if (engine?.engine !== undefined && engine.engine !== null) running.push(engine.engine);
    const sql =
      environment.clickhouseUrl === null
        ? engine?.engine == null
          ? null
          : { url: engine.engine.url, username: 'ingest', password: ingestPassword }
        : clickhouseConnection(environment.clickhouseUrl);

    const ingester = sql === null ? null : new IngesterChild({ settings, directory, sql }, logger);
    const workers = Array.from({ length: environment.workers }, (_, partition) => {
      return new GatewayChild(bootOrder(settings, directory, partition, sql), logger, ingester);
    });
    running.push(...workers);
    const recovered = await Promise.all(workers.map((worker) => worker.start()));
    if (engine?.engine != null) await tablesOrTimeout(engine.engine);
    if (ingester !== null) {
      running.push(ingester);
      ingester.start();
    }
    const host = environment.host.includes(':') ? `[${environment.host}]` : environment.host;
    return {
      settings,
      directory,
      baseUrl: `http://${host}:${environment.port}/v1`,
      sqlUrl: sql?.url ?? null,
      sqlProblem: engine?.problem ?? null,
      recoveredReceipts: recovered.reduce((sum, count) => sum + count, 0),
      stop: () => stopAll(running, directory),
      hurry: () => {
        for (const worker of workers) worker.hurry();
      },
    };
  } catch (error) {
    await stopAll(running, directory);
    throw error;
  }
}

/** A query of somebody who reads "ready" finds tables; an engine that is slow or broken keeps nobody from serving. */
async function tablesOrTimeout(engine: SqlEngine): Promise<void> {
  const abort = new AbortController();
  const late = sleep(TABLES_MS_MAX, undefined, { signal: abort.signal });
  await Promise.race([engine.ready, late]).catch(() => {});
  abort.abort();
  await late.catch(() => {});
}

/** Gateways first: what they seal at the end is still in the log for the next start. */
async function stopAll(running: { stop(): Promise<void> }[], directory: DataDirectory): Promise<void> {
  const engines = running.filter((part) => !(part instanceof GatewayChild) && !(part instanceof IngesterChild));
  const gateways = running.filter((part) => part instanceof GatewayChild);
  const ingesters = running.filter((part) => part instanceof IngesterChild);
  await Promise.allSettled(gateways.map((part) => part.stop()));
  await Promise.allSettled(ingesters.map((part) => part.stop()));
  await Promise.allSettled(engines.map((part) => part.stop()));
  await directory.close();
}

async function startEngine(
  settings: Settings,
  directory: DataDirectory,
  ingestPassword: string,
  logger: Logger,
): Promise<{ readonly engine: SqlEngine | null; readonly problem: string | null }> {
  try {
    const engine = await startSqlEngine({
      dataDir: directory.clickhouse,
      port: settings.environment.sqlPort,
      host: '127.0.0.1',
      auditPassword: directory.secrets.sqlPassword.value,
      ingestPassword,
      onExit: (exit) => {
        if (exit.willRestart) logger.error(exit, 'the SQL engine died; starting another');
      },
    });
    engine.ready.catch((error: unknown) => logger.error({ err: error }, 'the SQL engine cannot start'));
    return { engine, problem: null };
  } catch (error) {
    if ((error as { code?: string }).code === 'store_unavailable') {
      const problem = error instanceof Error ? error.message : String(error);
      logger.warn({ err: error }, 'no SQL engine; receipts wait in the log');
      return { engine: null, problem };
    }
    throw error;
  }
}

/** Without a file, a local Ollama that answers is used too. */
async function withLocalModels(settings: Settings): Promise<Settings> {
  if (settings.configFile !== null) return settings;
  const found = await createModelCatalogue().detectOllama();
  return found === null ? settings : withOllama(settings, found.models, found.baseUrl);
}

function bootOrder(settings: Settings, directory: DataDirectory, partition: number, sql: BootOrder['sql']): BootOrder {
  const { secrets } = directory;
  return {
    kind: 'boot',
    settings,
    partition,
    sharedPort: settings.environment.workers > 1,
    logDirectory: directory.log,
    vectorsDirectory: directory.vectors,
    clickhouseDirectory: directory.clickhouse,
    secretsDirectory: directory.secretsPath,
    apiKey: secrets.apiKey.value,
    adminToken: secrets.adminToken.value,
    masterKey: secrets.masterKey.value,
    sql,
    instance: `${hostname()}-${directory.path.replaceAll(/[^\w]+/g, '-')}-${partition}`,
  };
}
