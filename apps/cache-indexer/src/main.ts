import { openKafkaLog } from '#event-log/kafka-log.module.js';
import { toDeadLetter } from '#event-log/usecases/dead-letter.js';
import { RouterError } from '#events/domain/router-error.js';
import {
  createContentCipher,
  openQdrantIndex,
  openRedisKeys,
  openStoredEmbedder,
} from '#semantic-cache/semantic-cache.module.js';
import { createLogger } from '#telemetry/telemetry.module.js';
import { orderFromEnvironment } from './indexer-order.js';
import { runIndexer } from './run-indexer.js';

const EXIT = { bug: 1, configuration: 78 } as const;

/** The indexer process of the shared mode: content topic in Kafka → embedder → Qdrant. Any number may run. */
async function main(): Promise<void> {
  const order = orderFromEnvironment();
  const logger = createLogger({ level: order.logLevel }).child({ process: 'cache-indexer' });
  const embedder = await openStoredEmbedder(order.embedder);
  const index = await openQdrantIndex({
    url: order.qdrantUrl,
    apiKey: order.qdrantApiKey,
    embedderId: embedder.id,
    dimensions: embedder.dimensions,
  });
  const log = await openKafkaLog({
    brokers: order.kafkaBrokers,
    clientId: 'nextmodel-cache-indexer',
    onState: (state) => logger.warn(state, state.up ? 'Kafka is back' : 'Kafka is away'),
  });
  const cipher = createContentCipher(
    order.masterKey,
    order.redisUrl === null ? null : await openRedisKeys(order.redisUrl),
  );
  const running = await runIndexer({
    subscriber: log.subscriber,
    index,
    embedder,
    cipher,
    deadLetter: (record, reason) => log.writer.append([toDeadLetter(record, reason)]).durable,
    logger,
  });
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    void running
      .stop()
      .then(() => log.close())
      .then(() => index.close())
      .then(() => cipher.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'the indexer did not stop cleanly');
          process.exit(EXIT.bug);
        },
      );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

main().catch((error: unknown) => {
  const known = error instanceof RouterError;
  const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`nextmodel cache-indexer: ${message}\n`);
  process.exit(known && error.code === 'configuration' ? EXIT.configuration : EXIT.bug);
});
