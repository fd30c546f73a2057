import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BATCH_TRANSPORT } from '#event-log/batch-transport/batch-transport.js';
import type { BatchOutcome, RecordBatch } from '#event-log/ports/event-log.js';

/** The handler that `createContentIndexer` made. */
export const INDEXER = Symbol('ContentIndexer');
export interface Indexer {
  handle(batch: RecordBatch): Promise<BatchOutcome>;
}

@Controller()
export class ContentController {
  readonly #indexer: Indexer;

  constructor(@Inject(INDEXER) indexer: Indexer) {
    this.#indexer = indexer;
  }

  @EventPattern<string>('nextmodel.content', BATCH_TRANSPORT)
  take(@Payload() batch: RecordBatch): Promise<BatchOutcome> {
    return this.#indexer.handle(batch);
  }
}
