import type { NewRecord } from '#events/domain/event-record.js';
import type { RecordSink, SinkOutcome } from '../../usecases/ship-topic.js';
import { KafkaLink } from './kafka-link.js';
import { KafkaProducer } from './kafka-producer.js';
import { createReporter, type KafkaSettings } from './kafka-settings.js';
import { CATALOGUE_TOPICS, ensureTopics, type TopicOptions } from './kafka-topics.js';
import { kafkaUnavailable } from './kafka-unavailable.js';

const CREATE_TIMEOUT_MS = 3000;

/**
 * A producer that knows its topics: one of the event catalogue that is missing is made when its first record comes, any
 * other missing topic fails at once. kafkajs would retry for seconds, with the records of all other topics behind it.
 */
export class KafkaSink implements RecordSink {
  readonly #settings: KafkaSettings;
  readonly #topicOptions: TopicOptions;
  readonly #producer: KafkaProducer;
  readonly #link: KafkaLink;
  readonly #known = new Set<string>();
  readonly #report: (error?: unknown) => void;

  constructor(settings: KafkaSettings, topicOptions: TopicOptions = {}) {
    this.#settings = settings;
    this.#topicOptions = topicOptions;
    this.#report = createReporter(settings, 'writer');
    this.#producer = new KafkaProducer(settings, this.#report);
    this.#link = new KafkaLink(settings);
  }

  /** See `KafkaProducer.send`. */
  async send(records: readonly NewRecord[]): Promise<SinkOutcome> {
    const topics = new Set(records.map(({ topic }) => topic));
    try {
      for (const topic of topics) if (!this.#known.has(topic)) await this.#ensure(topic);
      return await this.#producer.send(records);
    } catch (error) {
      for (const topic of topics) this.#known.delete(topic);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#producer.close(), this.#link.close()]);
  }

  async #ensure(topic: string): Promise<void> {
    const partitions = await this.#partitions(topic);
    // A broker that is away is waited for by the producer.
    if (partitions === null) return;
    if (partitions.length === 0) {
      try {
        if (!CATALOGUE_TOPICS.includes(topic)) throw new Error('no such topic');
        await ensureTopics(this.#settings, { timeoutMs: CREATE_TIMEOUT_MS, ...this.#topicOptions, topics: [topic] });
      } catch (error) {
        this.#report(error);
        throw kafkaUnavailable(`topic ${topic}`, error);
      }
    }
    this.#known.add(topic);
  }

  async #partitions(topic: string): Promise<readonly number[] | null> {
    try {
      return await this.#link.partitions(topic);
    } catch {
      this.#link.reset();
      return null;
    }
  }
}
