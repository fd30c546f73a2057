import { KafkaCheckpoints } from './adapters/kafka/kafka-checkpoints.js';
import { KafkaLink } from './adapters/kafka/kafka-link.js';
import { KafkaReader } from './adapters/kafka/kafka-reader.js';
import { type KafkaSettings, type KafkaState } from './adapters/kafka/kafka-settings.js';
import { KafkaSink } from './adapters/kafka/kafka-sink.js';
import { KafkaSubscriber } from './adapters/kafka/kafka-subscriber.js';
import { ensureTopics, type TopicOptions } from './adapters/kafka/kafka-topics.js';
import { kafkaUnavailable, within } from './adapters/kafka/kafka-unavailable.js';
import { KafkaWriter } from './adapters/kafka/kafka-writer.js';
import type { CheckpointStore } from './ports/checkpoint-store.js';
import type { EventLogReader, EventLogSubscriber, EventLogWriter } from './ports/event-log.js';
import { type Shipper, type ShipperInit, shipRecords } from './usecases/ship-records.js';

export type { KafkaState };

const PING_TIMEOUT_MS = 1800;

/** A Kafka cluster as an event log. */
export interface KafkaLog {
  readonly reader: EventLogReader;
  readonly subscriber: EventLogSubscriber;
  /** Appends directly, without a spool: for processes that own none. */
  readonly writer: EventLogWriter;
  /** The committed offsets of consumer groups. */
  readonly checkpoints: CheckpointStore;
  /**
   * Makes missing topics of the catalogue (12 partitions) and their dead letters; waits for an absent broker up to
   * 30 s, then rejects with `store_unavailable`. Safe to run again.
   */
  ensureTopics(options?: TopicOptions): Promise<void>;
  /** Rejects with `RouterError` `store_unavailable` within 2 s when no broker answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Never waits for the broker: every part connects when it is first needed, and again after every outage. */
export async function openKafkaLog(settings: KafkaSettings): Promise<KafkaLog> {
  const pingLink = new KafkaLink(settings);
  const ping = async (): Promise<void> => {
    try {
      await within(
        pingLink.cluster().then((cluster) => cluster.refreshMetadata()),
        PING_TIMEOUT_MS,
      );
    } catch (error) {
      pingLink.reset();
      throw kafkaUnavailable('ping', error);
    }
  };
  const reader = new KafkaReader(settings);
  const subscriber = new KafkaSubscriber(settings);
  const writer = new KafkaWriter(settings, ping);
  const checkpointLink = new KafkaLink(settings);
  return {
    reader,
    subscriber,
    writer,
    ping,
    checkpoints: new KafkaCheckpoints(settings, checkpointLink),
    ensureTopics: (options) => ensureTopics(settings, options),
    close: async () => {
      await Promise.all([subscriber.close(), writer.close()]);
      await Promise.all([reader.close(), pingLink.close(), checkpointLink.close()]);
    },
  };
}

export interface StartShipperInit extends Omit<ShipperInit, 'sink'>, Pick<KafkaSettings, 'brokers' | 'clientId'> {
  /** How missing topics are made; see `ensureTopics`. */
  readonly topicOptions?: TopicOptions;
  readonly onState?: KafkaSettings['onState'];
}

/**
 * Starts to move a spool partition to Kafka; see `shipRecords`. Resolves at once, also when the broker is away.
 * `stop` drains for a bounded time and closes the connections.
 */
export async function startShipper(init: StartShipperInit): Promise<Shipper> {
  const { brokers, clientId, onState, topicOptions } = init;
  const sink = new KafkaSink({ brokers, clientId, onState }, topicOptions);
  return shipRecords({ ...init, sink });
}
