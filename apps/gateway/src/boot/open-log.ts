import { join } from 'node:path';
import {
  createLogSubscriber,
  openFileCheckpoints,
  openSegmentReader,
  openSegmentWriter,
} from '#event-log/event-log.module.js';
import { openKafkaLog } from '#event-log/kafka-log.module.js';
import type { CheckpointStore } from '#event-log/ports/checkpoint-store.js';
import type { EventLogReader, EventLogSubscriber, EventLogWriter } from '#event-log/ports/event-log.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { Metrics } from '#telemetry/ports/metrics.js';
import { ShipperChild } from './shipper-child.js';
import type { BootOrder } from './boot-order.js';

/** The log as a gateway sees it. */
export interface GatewayLog {
  /** Always the local segment files; the shipper moves them on. */
  readonly writer: EventLogWriter;
  readonly localReader: EventLogReader;
  readonly localCheckpoints: CheckpointStore;
  /** Control and content of all gateways: the local files, or Kafka. */
  readonly sharedReader: EventLogReader;
  readonly sharedSubscriber: EventLogSubscriber;
  /** `null` on local files. */
  readonly pingShared: (() => Promise<void>) | null;
  /** Moves the local files to Kafka; `null` on local files. */
  readonly shipper: ShipperChild | null;
  close(): Promise<void>;
}

export async function openGatewayLog(order: BootOrder, metrics: Metrics, logger: Logger): Promise<GatewayLog> {
  const { environment } = order.settings;
  const segments = await openSegmentWriter({
    directory: order.logDirectory,
    partition: order.partition,
    durability: environment.durability,
    onSynced: (records, tookMs) => metrics.logSynced(records, tookMs),
    onTornTail: (tail) => logger.warn({ ...tail }, 'the torn end of the log was cut'),
  });
  const writer = countAppends(segments, metrics);
  const localReader = openSegmentReader({ directory: order.logDirectory });
  const localCheckpoints = openFileCheckpoints(join(order.logDirectory, 'checkpoints'));
  if (environment.kafkaBrokers.length === 0) {
    const viewCheckpoints = openFileCheckpoints(join(order.vectorsDirectory, `checkpoints-${order.partition}`));
    const subscriber = createLogSubscriber({ reader: localReader, checkpoints: viewCheckpoints });
    return {
      writer,
      localReader,
      localCheckpoints,
      sharedReader: localReader,
      sharedSubscriber: subscriber,
      pingShared: null,
      shipper: null,
      close: async () => {
        await subscriber.close();
        await writer.close();
        await localReader.close();
      },
    };
  }
  const kafka = await openKafkaLog({
    brokers: environment.kafkaBrokers,
    clientId: `nextmodel-gateway-${order.instance}`,
  });
  const shipper = new ShipperChild(
    {
      kind: 'ship',
      brokers: environment.kafkaBrokers,
      clientId: `nextmodel-shipper-${order.instance}`,
      logDirectory: order.logDirectory,
      partition: order.partition,
    },
    logger,
  );
  shipper.start();
  return {
    writer,
    localReader,
    localCheckpoints,
    shipper,
    sharedReader: kafka.reader,
    sharedSubscriber: kafka.subscriber,
    pingShared: () => kafka.ping(),
    close: async () => {
      await kafka.close();
      await writer.close();
      await shipper.stop();
      await localReader.close();
    },
  };
}

function countAppends(writer: EventLogWriter, metrics: Metrics): EventLogWriter {
  return {
    append(records, urgency) {
      metrics.logAppended(records.length);
      return writer.append(records, urgency);
    },
    get healthy() {
      return writer.healthy;
    },
    close: () => writer.close(),
  };
}
