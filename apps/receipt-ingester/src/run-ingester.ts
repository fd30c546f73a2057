import 'reflect-metadata';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { createBatchTransport } from '#event-log/batch-transport.module.js';
import { RouterError } from '#events/domain/router-error.js';
import { TOPICS } from '#events/domain/topics.js';
import type { ReceiptStore } from '#receipts/ports/receipt-store.js';
import { openClickhouseStore, openFileTailIntents, type StepReport } from '#receipts/receipts.module.js';
import { createReceiptIngest } from '#receipts/usecases/ingest-receipts.js';
import { RollupKeeper } from '#receipts/usecases/rollup-keeper.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { IngesterModule } from './ingester.module.js';
import type { IngesterOrder } from './ingester-order.js';
import { keepRollups } from './keep-rollups.js';
import { IngesterMetrics } from './ingester-metrics.js';
import { openIngestLog, type IngestLog } from './open-ingest-log.js';
import { serveMetrics } from './serve-metrics.js';

const INGESTER_GROUP = 'receipt-ingester';
/** Largest insert, and the longest a receipt waits for company: about what a part of ClickHouse costs. */
const RECORDS_MAX = 5_000;
const LINGER_MS = 1_000;
/** Room for `RECORDS_MAX` receipts of 3 kB, so that a backlog is not cut within its blocks. */
const BYTES_MAX = 16_000_000;
const RETRY_MS_MAX = 5_000;

type StatementLimits = NonNullable<Parameters<typeof openClickhouseStore>[0]['limitsMs']>;

export interface RunningIngester {
  /** Finishes the batch in hand, saves its checkpoint, closes everything. */
  stop(): Promise<void>;
}

/**
 * Moves receipts from the log to ClickHouse until it is stopped. Resolves at once; a store or broker that is away is
 * waited for, receipts stay in the log meanwhile.
 * @param limitsMs how long statements may stay unanswered; the store's own limits where nothing is said.
 */
export async function runIngester(
  order: IngesterOrder,
  logger: Logger,
  limitsMs: StatementLimits = {},
): Promise<RunningIngester> {
  const metrics = new IngesterMetrics();
  const onReport = (report: StepReport): void => {
    metrics.step(report);
    logger.warn(report, report.kind === 'slow' ? 'a step takes long' : 'a step is given up and will be tried again');
  };
  const store = openClickhouseStore({ ...order.sql, limitsMs, onReport });
  const { host, ingesterMetricsPort, rollupCheckAt } = order.settings.environment;
  const metricsServer = await serveMetrics(host, ingesterMetricsPort, metrics, logger);
  const keeper = new RollupKeeper();
  const log = await openIngestLog(order, logger);
  const abort = new AbortController();
  const ingest = createReceiptIngest({
    store,
    intents: openFileTailIntents(join(order.clickhouseDirectory, 'intents')),
    deadLetter: async (record, reason) => {
      logger.error(
        { partition: record.partition, offset: record.offset.toString(), reason },
        'a receipt event was put aside',
      );
      await log.deadLetter(record, reason);
      metrics.deadLetters.value += 1;
    },
    onReport,
    onStored: (batch) => {
      metrics.stored(batch);
      keeper.mark(batch);
    },
    onDelay: (error, partition) => {
      metrics.delays.value += 1;
      logger.warn({ err: error, partition }, 'the SQL store is away; receipts wait in the log');
    },
  });
  const strategy = createBatchTransport({
    subscriber: log.subscriber,
    group: INGESTER_GROUP,
    startAt: 'first',
    recordsMax: RECORDS_MAX,
    lingerMs: LINGER_MS,
    bytesMax: BYTES_MAX,
  });
  const app = await NestFactory.createMicroservice(IngesterModule.over(ingest), { strategy, logger: false });
  let rolling: Promise<void> = Promise.resolve();
  const started = (async (): Promise<void> => {
    await untilTaken('make the tables', () => store.migrate(), logger, abort.signal);
    await untilTaken('prepare the log', () => log.prepare(), logger, abort.signal);
    await untilTaken('compare checkpoints', () => rewindToStore(log, store, logger), logger, abort.signal);
    if (abort.signal.aborted) return;
    await untilTaken('subscribe', () => app.listen(), logger, abort.signal);
    logger.info({ group: INGESTER_GROUP }, 'ingesting receipts');
    const { rollups } = store;
    rolling = keepRollups({ rollups, keeper, checkAt: rollupCheckAt, metrics, logger, signal: abort.signal });
  })();
  return {
    stop: async () => {
      abort.abort();
      await started;
      await app.close();
      await rolling;
      await log.close();
      await store.close();
      await metricsServer?.close();
    },
  };
}

async function untilTaken(
  what: string,
  work: () => Promise<unknown>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = 200; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
    try {
      await work();
      return;
    } catch (error) {
      const expected = error instanceof RouterError && error.retryable;
      logger[expected ? 'warn' : 'error']({ err: error, waitMs, what }, 'the ingester cannot start yet');
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Tables that are behind their checkpoint were lost or replaced: read again from where they end. */
async function rewindToStore(log: IngestLog, store: ReceiptStore, logger: Logger): Promise<void> {
  for (const partition of await log.reader.partitions(TOPICS.receipts)) {
    const checkpoint = await log.checkpoints.load(INGESTER_GROUP, TOPICS.receipts, partition);
    if (checkpoint === null) continue;
    const next = ((await store.lastOffset(partition)) ?? -1n) + 1n;
    if (next >= checkpoint) continue;
    logger.warn(
      { partition, checkpoint: checkpoint.toString(), next: next.toString() },
      'the tables are behind; reading again',
    );
    try {
      await log.checkpoints.save(INGESTER_GROUP, TOPICS.receipts, partition, next);
    } catch (error) {
      // Kafka refuses while other members of the group are at work: they would not see it either
      logger.error({ err: error, partition }, 'could not go back; stop all ingesters and start one again');
    }
  }
}
