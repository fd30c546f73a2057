import { FileTailIntents } from './adapters/files/file-tail-intents.js';
import { ClickhouseReceiptStore } from './adapters/clickhouse/clickhouse-receipt-store.js';
import type { ClickhouseStoreOptions } from './adapters/clickhouse/store-options.js';
import { MemoryReceiptStore } from './adapters/memory/memory-receipt-store.js';
import { OpenRouterGenerations, type OpenRouterBooks } from './adapters/openrouter/openrouter-generations.js';
import type { GenerationSource } from './ports/generation-source.js';
import type { ReceiptQueries, ReceiptRebuild, ReceiptStore } from './ports/receipt-store.js';
import type { TailIntentStore } from './ports/tail-intent-store.js';

export { startSqlEngine } from './adapters/sql-engine/start-sql-engine.js';
export type { StepReport } from './usecases/bounded-step.js';
export type { SqlEngine } from './adapters/sql-engine/start-sql-engine.js';

/** Receipts in a ClickHouse server or the embedded engine. Connects at the first call. */
export function openClickhouseStore(options: ClickhouseStoreOptions): ReceiptStore & ReceiptQueries & ReceiptRebuild {
  return new ClickhouseReceiptStore(options);
}

/**
 * Receipts in memory; gone with the process.
 * @public for tests and embedders
 */
export function createMemoryReceiptStore(): ReceiptStore {
  return new MemoryReceiptStore();
}

/** The audits that come with the product; run one with `runAudit`. */
export { readAudits } from './adapters/files/audit-files.js';

/** Remembers in a directory of its own which range an ingester is writing. */
export function openFileTailIntents(directory: string): TailIntentStore {
  return new FileTailIntents(directory);
}

/** OpenRouter's own books, call by call. Asks at the first `find`. */
export function createOpenRouterGenerations(books: OpenRouterBooks): GenerationSource {
  return new OpenRouterGenerations(books);
}
