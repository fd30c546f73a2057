export { startSqlEngine } from './adapters/sql-engine/start-sql-engine.js';
export type { SqlEngine, SqlEngineOptions, SqlEngineState } from './adapters/sql-engine/start-sql-engine.js';
