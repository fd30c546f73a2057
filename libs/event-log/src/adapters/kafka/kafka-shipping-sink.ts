import type { NewRecord } from '#events/domain/event-record.js';
import type { RecordSink, SinkOutcome } from '../../usecases/ship-topic.js';
import { KafkaLink } from './kafka-link.js';
import { KafkaProducer } from './kafka-producer.js';
import type { KafkaSettings } from './kafka-settings.js';
import { ensureTopics, type TopicOptions } from './kafka-topics.js';
import { kafkaUnavailable } from './kafka-unavailable.js';

const CREATE_TIMEOUT_MS = 3000;

/**
 * The producer of a shipper: makes a topic that is missing when its first record comes. kafkajs would retry a send to a
 * missing topic for seconds, with the records of all other topics behind it.
 */
export class KafkaShippingSink implements RecordSink {
  readonly #settings: KafkaSettings;
  readonly #topicOptions: TopicOptions;
  readonly #producer: KafkaProducer;
  readonly #link: KafkaLink;
  readonly #known = new Set<string>();

  constructor(settings: KafkaSettings, topicOptions: TopicOptions = {}) {
    this.#settings = settings;
    this.#topicOptions = topicOptions;
    this.#producer = new KafkaProducer(settings);
    this.#link = new KafkaLink(settings);
  }

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
    try {
      if ((await this.#link.partitions(topic)).length === 0) {
        await ensureTopics(this.#settings, { timeoutMs: CREATE_TIMEOUT_MS, ...this.#topicOptions, topics: [topic] });
      }
    } catch (error) {
      this.#link.reset();
      throw kafkaUnavailable(`make topic ${topic}`, error);
    }
    this.#known.add(topic);
  }
}
