import { randomBytes } from 'node:crypto';
import { dataDirectoryOwner, openDataDirectory, readSecrets } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import { clickhouseConnection, type ClickhouseConnection } from '#config/domain/clickhouse-connection.js';
import { startSqlEngine } from '#receipts/receipts.module.js';

/** The receipts' SQL: a server, the engine of a running instance, or one started for this command alone. */
export async function openSql(
  settings: Settings,
): Promise<{ readonly connection: ClickhouseConnection; close(): Promise<void> }> {
  const { environment } = settings;
  if (environment.clickhouseUrl !== null) {
    return { connection: clickhouseConnection(environment.clickhouseUrl), close: () => Promise.resolve() };
  }
  if ((await dataDirectoryOwner(environment.dataDir)) !== null) {
    const { sqlPassword } = await readSecrets(environment.dataDir, environment);
    const url = `http://127.0.0.1:${environment.sqlPort}`;
    return { connection: { url, username: 'audit', password: sqlPassword ?? '' }, close: () => Promise.resolve() };
  }
  const directory = await openDataDirectory(environment.dataDir, environment);
  const password = randomBytes(24).toString('base64url');
  try {
    const engine = await startSqlEngine({
      dataDir: directory.clickhouse,
      port: 0,
      host: '127.0.0.1',
      auditPassword: directory.secrets.sqlPassword.value,
      ingestPassword: password,
    });
    await engine.ready;
    return {
      connection: { url: engine.url, username: 'ingest', password },
      close: async () => {
        await engine.stop();
        await directory.close();
      },
    };
  } catch (error) {
    await directory.close();
    throw error;
  }
}
