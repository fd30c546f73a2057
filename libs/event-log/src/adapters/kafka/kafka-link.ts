import type { KafkaSettings } from './kafka-settings.js';
import { kafkaErrorType } from './kafka-settings.js';
import { createRawCluster, type RawBroker, type RawCluster } from './kafkajs-cluster.js';

/** One set of connections, made when first needed and made anew after a failure. */
export class KafkaLink {
  readonly #settings: KafkaSettings;
  #cluster: RawCluster | null = null;
  #connecting: Promise<RawCluster> | null = null;
  #closed = false;

  constructor(settings: KafkaSettings) {
    this.#settings = settings;
  }

  async cluster(): Promise<RawCluster> {
    if (this.#closed) throw new Error('closed');
    if (this.#cluster !== null) return this.#cluster;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  /** Ids of a topic's partitions; empty when there is no such topic. */
  async partitions(topic: string): Promise<readonly number[]> {
    return (await this.#metadataOf(topic)).map(({ partitionId }) => partitionId).sort((a, b) => a - b);
  }

  /** The broker to ask about a partition; `null` when there is no such partition. */
  async leader(topic: string, partition: number): Promise<RawBroker | null> {
    const found = (await this.#metadataOf(topic, true)).find(({ partitionId }) => partitionId === partition);
    if (found === undefined) return null;
    return (await this.cluster()).findBroker({ nodeId: found.leader });
  }

  /** First kept and next offset of some partitions of a topic. */
  async bounds(topic: string, ids: readonly number[]): Promise<Map<number, { first: bigint; head: bigint }>> {
    await this.#metadataOf(topic);
    const cluster = await this.cluster();
    const partitions = ids.map((partition) => ({ partition }));
    const ask = async (fromBeginning: boolean): Promise<Map<number, bigint>> => {
      const [answer] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }]);
      return new Map((answer?.partitions ?? []).map(({ partition, offset }) => [partition, BigInt(offset)]));
    };
    const [firsts, heads] = await Promise.all([ask(true), ask(false)]);
    return new Map(ids.map((id) => [id, { first: firsts.get(id) ?? 0n, head: heads.get(id) ?? 0n }]));
  }

  /** Asks for leaders again; a link that cannot even do that starts over. */
  async recover(): Promise<void> {
    try {
      await (await this.cluster()).refreshMetadata();
    } catch {
      this.reset();
    }
  }

  /** Drops the connections; the next call makes new ones. */
  reset(): void {
    const gone = this.#cluster;
    this.#cluster = null;
    void gone?.disconnect().catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    const gone = this.#cluster ?? (await this.#connecting?.catch(() => null));
    this.#cluster = null;
    await gone?.disconnect().catch(() => {});
  }

  async #connect(): Promise<RawCluster> {
    const cluster = createRawCluster(this.#settings);
    try {
      await cluster.connect();
    } catch (error) {
      void cluster.disconnect().catch(() => {});
      throw error;
    }
    this.#cluster = cluster;
    return cluster;
  }

  async #metadataOf(topic: string, mayBeOld = false): Promise<TopicMetadata> {
    const cluster = await this.cluster();
    if (mayBeOld) {
      const known = cached(cluster, topic);
      if (known.length > 0) return known;
    }
    try {
      await cluster.addMultipleTargetTopics([topic]);
    } catch (error) {
      if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return [];
      throw error;
    }
    await cluster.refreshMetadataIfNecessary();
    return cached(cluster, topic);
  }
}

type TopicMetadata = ReturnType<RawCluster['findTopicPartitionMetadata']>;

function cached(cluster: RawCluster, topic: string): TopicMetadata {
  try {
    return cluster.findTopicPartitionMetadata(topic);
  } catch {
    return [];
  }
}
