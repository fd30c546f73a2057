import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BATCH_TRANSPORT } from '#event-log/batch-transport/batch-transport.js';
import type { BatchOutcome, RecordBatch } from '#event-log/ports/event-log.js';

/** `createReceiptIngest`'s handler. */
export const INGEST = Symbol('ReceiptIngest');
export type Ingest = (batch: RecordBatch) => Promise<BatchOutcome>;

@Controller()
export class ReceiptsConsumer {
  readonly #ingest: Ingest;

  constructor(@Inject(INGEST) ingest: Ingest) {
    this.#ingest = ingest;
  }

  @EventPattern<string>('nextmodel.receipts', BATCH_TRANSPORT)
  take(@Payload() batch: RecordBatch): Promise<BatchOutcome> {
    return this.#ingest(batch);
  }
}
