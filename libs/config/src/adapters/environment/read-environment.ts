import { isAbsolute, resolve } from 'node:path';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { editDistance, nearest } from '../../domain/did-you-mean.js';
import { ENVIRONMENT_VARIABLES } from '../../domain/environment-variables.js';
import type { Problem } from '../../domain/problem.js';
import type { EnvironmentSettings } from '../../domain/settings.js';
import { EnvironmentDto } from './environment-dto.js';

const KNOWN: ReadonlySet<string> = new Set(ENVIRONMENT_VARIABLES);
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

export interface EnvironmentReading {
  readonly settings: EnvironmentSettings;
  readonly configPath: string | null;
  readonly problems: readonly Problem[];
}

/** Reads our variables; empty ones count as not set, names one typing mistake away from ours are problems. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, cwd: string): EnvironmentReading {
  const given: Record<string, string> = {};
  const problems: Problem[] = [];
  const report = (path: string, message: string): void => {
    problems.push({ file: 'environment', line: 0, path, message });
  };
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || !name.startsWith('NEXTMODEL_')) continue;
    if (KNOWN.has(name)) given[name] = value;
    else {
      const near = nearest(name, KNOWN);
      if (near !== null && editDistance(name, near) <= 2) report(name, `unknown variable (did you mean ${near}?)`);
    }
  }
  const dto = plainToInstance(EnvironmentDto, given, { exposeDefaultValues: true });
  for (const error of validateSync(dto)) {
    const messages = Object.values(error.constraints ?? {}).map((text) => text.replace(`${error.property} `, ''));
    report(error.property, messages.join('; '));
  }
  if (!LOOPBACK.test(dto.NEXTMODEL_HOST) && dto.NEXTMODEL_ADMIN_TOKEN === undefined) {
    report('NEXTMODEL_HOST', `${dto.NEXTMODEL_HOST} is not loopback: set NEXTMODEL_ADMIN_TOKEN to listen there`);
  }
  return { settings: toSettings(dto, cwd), configPath: dto.NEXTMODEL_CONFIG ?? null, problems };
}

function toSettings(dto: EnvironmentDto, cwd: string): EnvironmentSettings {
  const dataDir = dto.NEXTMODEL_DATA_DIR;
  return {
    host: dto.NEXTMODEL_HOST,
    port: dto.NEXTMODEL_PORT,
    sqlPort: dto.NEXTMODEL_SQL_PORT,
    sqlPassword: dto.NEXTMODEL_SQL_PASSWORD ?? null,
    apiKey: dto.NEXTMODEL_API_KEY ?? null,
    adminToken: dto.NEXTMODEL_ADMIN_TOKEN ?? null,
    masterKey: dto.NEXTMODEL_MASTER_KEY ?? null,
    dataDir: isAbsolute(dataDir) ? dataDir : resolve(cwd, dataDir),
    durability: dto.NEXTMODEL_DURABILITY,
    kafkaBrokers: dto.NEXTMODEL_KAFKA_BROKERS?.split(',') ?? [],
    clickhouseUrl: dto.NEXTMODEL_CLICKHOUSE_URL ?? null,
    qdrantUrl: dto.NEXTMODEL_QDRANT_URL ?? null,
    qdrantApiKey: dto.NEXTMODEL_QDRANT_API_KEY ?? null,
    redisUrl: dto.NEXTMODEL_REDIS_URL ?? null,
    transparencyDir: dto.NEXTMODEL_TRANSPARENCY_DIR === undefined ? null : resolve(cwd, dto.NEXTMODEL_TRANSPARENCY_DIR),
    sequencer: dto.NEXTMODEL_SEQUENCER,
    workers: dto.NEXTMODEL_WORKERS,
    bodyBytesMax: dto.NEXTMODEL_BODY_BYTES_MAX,
    logLevel: dto.NEXTMODEL_LOG_LEVEL,
    ingesterMetricsPort: dto.NEXTMODEL_INGESTER_METRICS_PORT ?? null,
    rollupCheckAt: dto.NEXTMODEL_ROLLUP_CHECK_AT === 'off' ? null : dto.NEXTMODEL_ROLLUP_CHECK_AT,
  };
}
