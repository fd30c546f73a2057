import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogSubscriber, openFileCheckpoints, openSegmentReader } from '#event-log/event-log.module.js';
import { openKafkaLog } from '#event-log/kafka-log.module.js';
import type { CheckpointStore } from '#event-log/ports/checkpoint-store.js';
import type { EventLogReader, EventLogSubscriber } from '#event-log/ports/event-log.js';
import { toDeadLetter } from '#event-log/usecases/dead-letter.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { IngesterOrder } from './ingester-order.js';

/** The log as the ingester needs it, from Kafka or from the segment files. */
export interface IngestLog {
  readonly reader: EventLogReader;
  readonly subscriber: EventLogSubscriber;
  readonly checkpoints: CheckpointStore;
  deadLetter(record: StoredRecord, reason: string): Promise<void>;
  /** Makes what is missing; may be run again. @throws RouterError `store_unavailable`. */
  prepare(): Promise<void>;
  close(): Promise<void>;
}

export async function openIngestLog(order: IngesterOrder, logger: Logger): Promise<IngestLog> {
  const { kafkaBrokers } = order.settings.environment;
  return kafkaBrokers.length > 0 ? openKafka(kafkaBrokers, logger) : openFiles(order, logger);
}

async function openKafka(brokers: readonly string[], logger: Logger): Promise<IngestLog> {
  const log = await openKafkaLog({
    brokers,
    clientId: 'nextmodel-receipt-ingester',
    onState: (state) => logger.warn(state, state.up ? 'Kafka is back' : 'Kafka is away'),
  });
  return {
    reader: log.reader,
    subscriber: log.subscriber,
    checkpoints: log.checkpoints,
    deadLetter: (record, reason) => log.writer.append([toDeadLetter(record, reason)]).durable,
    prepare: () => log.ensureTopics(),
    close: () => log.close(),
  };
}

async function openFiles(order: IngesterOrder, logger: Logger): Promise<IngestLog> {
  const reader = openSegmentReader({ directory: order.logDirectory });
  const checkpoints = openFileCheckpoints(join(order.clickhouseDirectory, 'checkpoints'));
  const subscriber = createLogSubscriber({
    reader,
    checkpoints,
    onError: (error, fault) =>
      logger.error({ err: error, ...fault, offset: fault.offset.toString() }, 'consumer fault'),
  });
  return {
    reader,
    subscriber,
    checkpoints,
    deadLetter: (record, reason) => keepInFile(join(order.clickhouseDirectory, 'dead-letters'), record, reason),
    prepare: async () => {},
    close: async () => {
      await subscriber.close();
      await reader.close();
    },
  };
}

/** The gateway owns the log's files, so the embedded ingester keeps its dead letters in a file of its own. */
async function keepInFile(directory: string, record: StoredRecord, reason: string): Promise<void> {
  const letter = toDeadLetter(record, reason);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const line = JSON.stringify({ ...letter, value: Buffer.from(record.value).toString('base64') });
  await appendFile(join(directory, `${letter.topic}.ndjson`), `${line}\n`, { mode: 0o600, flush: true });
}
