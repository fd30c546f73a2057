import { BatchTransport, type BatchTransportOptions } from './batch-transport/batch-transport.js';

export { BATCH_TRANSPORT } from './batch-transport/batch-transport.js';

/**
 * The strategy for `NestFactory.createMicroservice(module, { strategy })`; see `BatchTransport` for the handlers.
 * Apart from the other factories, because it brings `@nestjs/microservices`: 250 ms and 47 MB at start.
 */
export function createBatchTransport(options: BatchTransportOptions): BatchTransport {
  return new BatchTransport(options);
}
