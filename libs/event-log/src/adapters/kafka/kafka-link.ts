import { backoffMs, pause } from '../../usecases/backoff.js';
import { kafkaErrorType, type KafkaSettings, MEMBERSHIP_ERRORS } from './kafka-settings.js';
import { kafkaUnavailable, within } from './kafka-unavailable.js';
import { createRawCluster, type RawBroker, type RawCluster } from './kafkajs-cluster.js';

const NEVER = new AbortController().signal;

export interface Patience {
  readonly patienceMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly report?: (error?: unknown) => void;
}

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

  /**
   * Tries again, with growing waits, for as long as `patienceMs`: brokers restart, leaders move, and a new topic or
   * group is not served at once.
   * @throws RouterError `store_unavailable` when it did not work in that time, or what it was when the signal aborted.
   */
  async trying<T>(what: string, how: Patience, work: () => Promise<T>): Promise<T> {
    const { patienceMs, signal, report } = how;
    const until = performance.now() + patienceMs;
    for (let failures = 1; ; failures += 1) {
      try {
        const result = await within(work(), Math.max(50, until - performance.now()), signal);
        report?.();
        return result;
      } catch (error) {
        if (signal?.aborted === true) throw error;
        report?.(error);
        const type = kafkaErrorType(error);
        // Kafka's own errors mean that something has moved; everything else, that the connection is of no use.
        if (type === null) this.reset();
        else void this.recover();
        const waitMs = backoffMs(failures);
        const refused = MEMBERSHIP_ERRORS.has(type ?? '') && failures > 1;
        if (refused || performance.now() + waitMs >= until) throw kafkaUnavailable(what, error);
        await pause(waitMs, signal ?? NEVER);
      }
    }
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
