import { join } from 'node:path';
import { clickhouseConnection, type ClickhouseConnection } from '#config/domain/clickhouse-connection.js';
import { loadProcessSettings } from '#config/process-settings.module.js';
import { showProblem } from '#config/domain/problem.js';
import type { Settings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';

/** What an ingester is told to do: by its supervisor over IPC, or by the environment. Holds secrets. */
export interface IngesterOrder {
  readonly kind: 'ingest';
  readonly settings: Settings;
  /** The segment log; read when no Kafka brokers are set. */
  readonly logDirectory: string;
  /** Where its own small files go, beside the tables: whoever deletes the view deletes how far it had come. */
  readonly clickhouseDirectory: string;
  readonly sql: ClickhouseConnection;
}

/** @throws RouterError `configuration` for problems of the settings and when no ClickHouse server is named. */
export function orderFromEnvironment(): IngesterOrder {
  const loaded = loadProcessSettings();
  if (!loaded.ok) {
    const detail = loaded.problems.map(showProblem).join('\n');
    throw new RouterError({ code: 'configuration', publicMessage: 'The configuration has problems.', detail });
  }
  const { settings } = loaded;
  const { clickhouseUrl, dataDir } = settings.environment;
  if (clickhouseUrl === null) {
    throw new RouterError({
      code: 'configuration',
      publicMessage:
        'NEXTMODEL_CLICKHOUSE_URL is not set. The embedded engine has its own ingester; start `nextmodel start`.',
    });
  }
  return {
    kind: 'ingest',
    settings,
    logDirectory: join(dataDir, 'log'),
    clickhouseDirectory: join(dataDir, 'clickhouse'),
    sql: clickhouseConnection(clickhouseUrl),
  };
}
