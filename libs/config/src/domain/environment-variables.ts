/** Every variable of ours. `environment-dto.ts` holds types and defaults; a test keeps the two equal. */
export const ENVIRONMENT_VARIABLES = [
  'NEXTMODEL_CONFIG',
  'NEXTMODEL_HOST',
  'NEXTMODEL_PORT',
  'NEXTMODEL_SQL_PORT',
  'NEXTMODEL_SQL_PASSWORD',
  'NEXTMODEL_DATA_DIR',
  'NEXTMODEL_API_KEY',
  'NEXTMODEL_ADMIN_TOKEN',
  'NEXTMODEL_MASTER_KEY',
  'NEXTMODEL_DURABILITY',
  'NEXTMODEL_KAFKA_BROKERS',
  'NEXTMODEL_CLICKHOUSE_URL',
  'NEXTMODEL_QDRANT_URL',
  'NEXTMODEL_QDRANT_API_KEY',
  'NEXTMODEL_REDIS_URL',
  'NEXTMODEL_TRANSPARENCY_DIR',
  'NEXTMODEL_SEQUENCER',
  'NEXTMODEL_WORKERS',
  'NEXTMODEL_BODY_BYTES_MAX',
  'NEXTMODEL_LOG_LEVEL',
  'NEXTMODEL_INGESTER_METRICS_PORT',
  'NEXTMODEL_ROLLUP_CHECK_AT',
] as const;

/** Keys of providers that are looked for when no file names providers: variable → name and kind. */
export const PROVIDER_KEY_VARIABLES = {
  OPENAI_API_KEY: { name: 'openai', kind: 'openai' },
  ANTHROPIC_API_KEY: { name: 'anthropic', kind: 'anthropic' },
  OPENROUTER_API_KEY: { name: 'openrouter', kind: 'openrouter' },
  ARK_API_KEY: { name: 'ark', kind: 'ark' },
} as const;
