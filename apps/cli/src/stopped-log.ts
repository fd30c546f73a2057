import { openDataDirectory, type DataDirectory } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import type { NewRecord } from '#events/domain/event-record.js';
import { openSegmentReader, openSegmentWriter } from '#event-log/event-log.module.js';
import type { EventLogReader, EventLogWriter } from '#event-log/ports/event-log.js';

/** The log that instances read, opened while none runs here. */
export interface StoppedLog {
  /** Owned until it is closed. */
  readonly directory: DataDirectory;
  readonly reader: EventLogReader;
  /** Durable when it resolves. */
  append(records: readonly NewRecord[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * In the shared mode Kafka itself: what stood in the files of this data directory would wait there for a gateway that
 * ships it, and the gateways that run elsewhere would not hear of it.
 * @throws RouterError `data_directory_owned` when an instance starts at this very moment; `store_unavailable` when no
 *   broker answers.
 */
export async function openStoppedLog({ environment }: Settings): Promise<StoppedLog> {
  const directory = await openDataDirectory(environment.dataDir, environment);
  try {
    return environment.kafkaBrokers.length === 0
      ? await inFiles(directory)
      : await inKafka(directory, environment.kafkaBrokers);
  } catch (error) {
    await directory.close();
    throw error;
  }
}

const appendTo =
  (writer: EventLogWriter): StoppedLog['append'] =>
  async (records) => {
    if (records.length > 0) await writer.append(records).durable;
  };

async function inFiles(directory: DataDirectory): Promise<StoppedLog> {
  const reader = openSegmentReader({ directory: directory.log });
  const writer = await openSegmentWriter({ directory: directory.log, partition: 0, durability: 'strict' });
  return {
    directory,
    reader,
    append: appendTo(writer),
    close: async () => {
      await writer.close();
      await reader.close();
      await directory.close();
    },
  };
}

async function inKafka(directory: DataDirectory, brokers: readonly string[]): Promise<StoppedLog> {
  const { openKafkaLog } = await import('#event-log/kafka-log.module.js');
  const kafka = await openKafkaLog({ brokers, clientId: 'nextmodel-cli' });
  const { reader, writer } = kafka;
  const close = (): Promise<void> => kafka.close();
  try {
    await kafka.ping();
    await kafka.ensureTopics();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    directory,
    reader,
    append: appendTo(writer),
    close: async () => {
      await close();
      await directory.close();
    },
  };
}
