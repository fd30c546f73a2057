import { remoteEmbedder } from '#config/domain/remote-embedder.js';
import type { EmbedderSettings } from '#config/domain/settings.js';
import { loadProcessSettings } from '#config/process-settings.module.js';
import { showProblem } from '#config/domain/problem.js';
import { RouterError } from '#events/domain/router-error.js';

/** What an indexer needs to know. Holds secrets. */
export interface IndexerOrder {
  readonly kafkaBrokers: readonly string[];
  readonly qdrantUrl: string;
  readonly qdrantApiKey: string | null;
  readonly masterKey: string;
  /** Where gateways keep subject keys; `null` = keys are derived. The same as the gateways have. */
  readonly redisUrl: string | null;
  /** `null` = the builtin one. The same as the gateways have. */
  readonly embedder: EmbedderSettings | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** @throws RouterError `configuration`, naming every variable that is missing for the shared mode. */
export function orderFromEnvironment(): IndexerOrder {
  const loaded = loadProcessSettings();
  if (!loaded.ok) {
    const detail = loaded.problems.map(showProblem).join('\n');
    throw new RouterError({ code: 'configuration', publicMessage: 'The configuration has problems.', detail });
  }
  const { kafkaBrokers, qdrantUrl, qdrantApiKey, masterKey, redisUrl, logLevel } = loaded.settings.environment;
  const missing = [
    kafkaBrokers.length === 0 ? 'NEXTMODEL_KAFKA_BROKERS' : null,
    qdrantUrl === null ? 'NEXTMODEL_QDRANT_URL' : null,
    masterKey === null ? 'NEXTMODEL_MASTER_KEY' : null,
  ].filter((name) => name !== null);
  if (missing.length > 0 || qdrantUrl === null || masterKey === null) {
    throw new RouterError({
      code: 'configuration',
      publicMessage: `${missing.join(', ')} not set. The indexer serves the shared mode; without it the gateway fills its own index.`,
    });
  }
  return {
    kafkaBrokers,
    qdrantUrl,
    qdrantApiKey,
    masterKey,
    redisUrl,
    embedder: remoteEmbedder(loaded.settings),
    logLevel,
  };
}
