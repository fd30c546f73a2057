import { type Kafka, type Message, Partitioners, type Producer, type RetryOptions, type TopicMessages } from 'kafkajs';
import type { NewRecord } from '#events/domain/event-record.js';
import type { RecordSink, SinkOutcome } from '../../usecases/ship-topic.js';
import { kafkaBytes, toKafkaMessage } from './kafka-record.js';
import { createKafka, kafkaErrorType, type KafkaSettings, WORK_RETRY } from './kafka-settings.js';
import { kafkaUnavailable, within } from './kafka-unavailable.js';

/** Below the broker's `message.max.bytes` (1,048,588), which counts a whole batch of one partition. */
const BATCH_BYTES_MAX = 1_000_000;
const CLOSE_TIMEOUT_MS = 1000;
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/**
 * An idempotent producer, all in-sync replicas acknowledging, one request in flight: order is kept, and a retry inside
 * kafkajs doubles nothing. After a send that failed for good the producer is thrown away: its next batch would carry
 * the sequence numbers of the failed one, and a broker that had stored that one would acknowledge the new records
 * as known and drop them. So what is sent again after a failure may be doubled, never lost.
 */
export class KafkaProducer implements RecordSink {
  readonly #kafka: Kafka;
  readonly #report: (error?: unknown) => void;
  readonly #retry: RetryOptions;
  #producer: Producer | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(settings: KafkaSettings, report: (error?: unknown) => void, retry: RetryOptions = WORK_RETRY) {
    this.#kafka = createKafka(settings, retry);
    this.#report = report;
    this.#retry = retry;
  }

  /**
   * Sends records in order, in as many requests as their size needs; calls wait for one another.
   * @returns `acked`, or `too_large` with the index of the first record that no broker takes; those before it are
   * acknowledged, those after it are not sent.
   * @throws RouterError `store_unavailable` when the broker did not acknowledge within kafkajs' retries (about 10 s);
   * some of the records may have been stored.
   */
  send(records: readonly NewRecord[]): Promise<SinkOutcome> {
    const sent = this.#queue.then(() => this.#sendAll(records));
    this.#queue = sent.catch(() => {});
    return sent;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await within(this.#queue, CLOSE_TIMEOUT_MS).catch(() => {});
    await this.#drop();
  }

  async #sendAll(records: readonly NewRecord[]): Promise<SinkOutcome> {
    for (let start = 0; start < records.length;) {
      const end = endOfBatch(records, start);
      const outcome = await this.#sendSome(records, start, end);
      if (outcome.kind !== 'acked') return outcome;
      start = end;
    }
    return { kind: 'acked' };
  }

  /** A batch that is refused for its size is halved until the record at fault is found. */
  async #sendSome(records: readonly NewRecord[], start: number, end: number): Promise<SinkOutcome> {
    try {
      await this.#sendOnce(records.slice(start, end));
      return { kind: 'acked' };
    } catch (error) {
      if (!TOO_LARGE.has(kafkaErrorType(error) ?? '')) {
        this.#report(error);
        throw kafkaUnavailable('produce', error);
      }
    }
    if (end - start === 1) return { kind: 'too_large', index: start };
    const middle = start + Math.floor((end - start) / 2);
    const first = await this.#sendSome(records, start, middle);
    return first.kind === 'acked' ? this.#sendSome(records, middle, end) : first;
  }

  async #sendOnce(records: readonly NewRecord[]): Promise<void> {
    if (this.#closed) throw new Error('closed');
    try {
      const producer = this.#producer ?? (await this.#connect());
      await producer.sendBatch({ acks: -1, topicMessages: byTopic(records) });
      this.#report();
    } catch (error) {
      await this.#drop();
      throw error;
    }
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
      retry: this.#retry,
    });
    this.#producer = producer;
    await producer.connect();
    return producer;
  }

  async #drop(): Promise<void> {
    const gone = this.#producer;
    this.#producer = null;
    if (gone !== null) await within(gone.disconnect(), CLOSE_TIMEOUT_MS).catch(() => {});
  }
}

function endOfBatch(records: readonly NewRecord[], start: number): number {
  let bytes = 0;
  let end = start;
  for (; end < records.length; end += 1) {
    bytes += kafkaBytes(records[end] as NewRecord);
    if (end > start && bytes > BATCH_BYTES_MAX) break;
  }
  return end;
}

function byTopic(records: readonly NewRecord[]): TopicMessages[] {
  const topics = new Map<string, Message[]>();
  for (const record of records) {
    const messages = topics.get(record.topic);
    if (messages === undefined) topics.set(record.topic, [toKafkaMessage(record)]);
    else messages.push(toKafkaMessage(record));
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}
