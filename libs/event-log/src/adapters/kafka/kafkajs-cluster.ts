import { createRequire } from 'node:module';
import { logLevel } from 'kafkajs';
import type { KafkaSettings } from './kafka-settings.js';
import { QUICK_RETRY, CONNECTION_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './kafka-settings.js';
import { openKafkaSocket } from './kafka-socket.js';
import { removeTimerFault } from './kafkajs-timer-fault.js';

/** What kafkajs decodes of one record. */
export interface RawMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>>;
  readonly isControlRecord?: boolean;
}

export interface RawPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly messages: readonly RawMessage[];
}

export interface RawPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

interface OffsetTopic<P> {
  readonly topic: string;
  readonly partitions: readonly P[];
}

/** The requests of kafkajs' own broker class that its public API does not offer. */
export interface RawBroker {
  fetch(request: {
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly OffsetTopic<{ partition: number; fetchOffset: string; maxBytes: number }>[];
  }): Promise<{ readonly responses: readonly { topicName: string; partitions: readonly RawPartition[] }[] }>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly OffsetTopic<{ partition: number }>[];
  }): Promise<{ readonly responses: readonly OffsetTopic<{ partition: number; offset: string }>[] }>;
  offsetCommit(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
    readonly topics: readonly OffsetTopic<{ partition: number; offset: string }>[];
  }): Promise<unknown>;
}

interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number;
}

/** kafkajs' connection to a whole cluster: brokers, metadata, coordinators. */
export interface RawCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  findBroker(where: { readonly nodeId: number }): Promise<RawBroker>;
  findGroupCoordinator(group: { readonly groupId: string }): Promise<RawBroker>;
  fetchTopicsOffset(
    topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<readonly OffsetTopic<{ partition: number; offset: string }>[]>;
}

const METADATA_AGE_MS = 10_000;

/**
 * Reading from a position needs fetches outside a consumer group, which the public API of kafkajs 2.2.4 does not have.
 * Its parts are plain files (the package declares no `exports`), so they are used as they are, behind these types.
 */
export function createRawCluster(settings: KafkaSettings): RawCluster {
  removeTimerFault();
  const require = createRequire(import.meta.url);
  const Cluster = require('kafkajs/src/cluster/index.js') as new (options: object) => RawCluster;
  const { createLogger } = require('kafkajs/src/loggers/index.js') as { createLogger(options: object): object };
  return new Cluster({
    logger: createLogger({ level: logLevel.NOTHING, logCreator: () => () => {} }),
    socketFactory: openKafkaSocket,
    brokers: settings.brokers,
    clientId: settings.clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    metadataMaxAge: METADATA_AGE_MS,
    retry: QUICK_RETRY,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    isolationLevel: READ_UNCOMMITTED,
  });
}

/** Nobody writes transactions here, so nothing is hidden and the head is the high watermark. */
export const READ_UNCOMMITTED = 0;
