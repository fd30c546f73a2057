import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { createBatchTransport } from '#event-log/batch-transport.module.js';
import type { BatchOutcome, EventLogSubscriber, RecordBatch, Subscription } from '#event-log/ports/event-log.js';
import { TOPICS } from '#events/domain/topics.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { ContentCipher } from '#semantic-cache/ports/content-cipher.js';
import type { Embedder } from '#semantic-cache/ports/embedder.js';
import type { VectorIndex } from '#semantic-cache/ports/vector-index.js';
import { createContentIndexer } from '#semantic-cache/semantic-cache.module.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { IndexerModule } from './indexer.module.js';

export const INDEXER_GROUP = 'cache-indexer';
const RECORDS_MAX = 500;
const LINGER_MS = 50;
const RETRY_MS_FIRST = 200;
const RETRY_MS_MAX = 5_000;

/** What an indexer runs on. It closes none of it. */
export interface IndexerParts {
  readonly subscriber: EventLogSubscriber;
  readonly index: VectorIndex;
  readonly embedder: Embedder;
  readonly cipher: ContentCipher;
  readonly deadLetter: (record: StoredRecord, reason: string) => Promise<void>;
  readonly logger: Logger;
}

export interface RunningIndexer {
  /** Finishes the batch in hand, its checkpoint saved. */
  stop(): Promise<void>;
}

/**
 * Moves stored answers from the content topic into the shared index until it is stopped. Resolves at once: a broker or
 * a vector store that is away is waited for, and the events stay in the log meanwhile.
 */
export async function runIndexer(parts: IndexerParts): Promise<RunningIndexer> {
  const { logger, subscriber } = parts;
  const indexer = createContentIndexer({
    index: parts.index,
    embedder: parts.embedder,
    cipher: parts.cipher,
    deadLetter: parts.deadLetter,
    onDead: (dead) => logger.warn(dead, 'a content event was put aside'),
  });
  let waiting = false;
  const strategy = createBatchTransport({
    subscriber,
    group: INDEXER_GROUP,
    startAt: 'first',
    recordsMax: RECORDS_MAX,
    lingerMs: LINGER_MS,
  });
  // Every indexer must know every erasure, so each has a group of its own.
  const control = followErasures(subscriber, (batch) => indexer.handle(batch), logger);
  const app = await NestFactory.createMicroservice(
    IndexerModule.over({
      async handle(batch) {
        const outcome = await indexer.handle(batch);
        const again = outcome.kind === 'again';
        if (again !== waiting) {
          logger.warn({ partition: batch.partition }, again ? 'the vector store is away' : 'the vector store is back');
        }
        waiting = again;
        return outcome;
      },
    }),
    { strategy, logger: false },
  );
  const abort = new AbortController();
  const started = listenWhenPossible(() => app.listen(), logger, abort.signal);
  return {
    async stop() {
      abort.abort();
      await control.stop();
      await started;
      await app.close();
    },
  };
}

function followErasures(
  subscriber: EventLogSubscriber,
  take: (batch: RecordBatch) => Promise<BatchOutcome>,
  logger: Logger,
): { stop(): Promise<void> } {
  const abort = new AbortController();
  let subscription: Subscription | null = null;
  const subscribe = async (): Promise<void> => {
    subscription = await subscriber.subscribe(
      {
        group: `${INDEXER_GROUP}-control-${process.pid}-${Date.now()}`,
        topics: [TOPICS.control],
        startAt: 'first',
        recordsMax: RECORDS_MAX,
        lingerMs: LINGER_MS,
      },
      take,
    );
  };
  const started = listenWhenPossible(subscribe, logger, abort.signal);
  return {
    async stop() {
      abort.abort();
      await started;
      await subscription?.stop();
    },
  };
}

async function listenWhenPossible(listen: () => Promise<unknown>, logger: Logger, signal: AbortSignal): Promise<void> {
  for (let waitMs = RETRY_MS_FIRST; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
    try {
      await listen();
      logger.info({ group: INDEXER_GROUP }, 'indexing answers');
      return;
    } catch (error) {
      logger.warn({ err: error, waitMs }, 'the indexer cannot start yet');
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }
}
