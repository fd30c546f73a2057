import type { StoredRecord } from '#events/domain/event-record.js';
import type { EventLogReader, ReadLimits, RecordBatch, TopicPosition } from '../../ports/event-log.js';
import { pause } from '../../usecases/backoff.js';
import { KafkaLink } from './kafka-link.js';
import { fetchFrom, KafkaLongPoll } from './kafka-long-poll.js';
import { fromKafkaMessage } from './kafka-record.js';
import { createReporter, kafkaErrorType, type KafkaSettings } from './kafka-settings.js';
import type { RawPartition } from './kafkajs-cluster.js';

const FETCH_BYTES_MIN = 65_536;
const FETCH_BYTES_MAX = 1_048_576;
/** Fetched records beyond `recordsMax` wait for the next read of that place; the oldest places are dropped. */
const PLACES_AHEAD_MAX = 32;
/** A read that does not wait still tries this long before it says that the broker is away. */
const PATIENCE_MS = 1500;

interface Fetched {
  readonly offset: bigint;
  readonly nextOffset: bigint;
  readonly head: bigint;
  readonly records: readonly StoredRecord[];
}

/**
 * Reads any partition of any topic from any offset, without a consumer group. A topic that does not exist reads as
 * empty. Rejects with `RouterError` `store_unavailable` when no broker answered until the wait was over; reading on
 * from the same position is always right.
 */
export class KafkaReader implements EventLogReader {
  readonly #link: KafkaLink;
  readonly #waitingLink: KafkaLink;
  readonly #longPoll: KafkaLongPoll;
  readonly #ahead = new Map<string, Fetched>();
  readonly #report: (error?: unknown) => void;

  constructor(settings: KafkaSettings) {
    this.#link = new KafkaLink(settings);
    // A connection of its own: a waiting request would hold up those behind it.
    this.#waitingLink = new KafkaLink(settings);
    this.#longPoll = new KafkaLongPoll(this.#waitingLink);
    this.#report = createReporter(settings, 'reader');
  }

  partitions(topic: string): Promise<readonly number[]> {
    return this.#trying('metadata', PATIENCE_MS, undefined, () => this.#link.partitions(topic));
  }

  async bounds(topic: string, partition: number): Promise<{ readonly first: bigint; readonly head: bigint }> {
    return this.#trying('offsets', PATIENCE_MS, undefined, async () => {
      if ((await this.#link.leader(topic, partition)) === null) return { first: 0n, head: 0n };
      return (await this.#link.bounds(topic, [partition])).get(partition) ?? { first: 0n, head: 0n };
    });
  }

  async read(from: TopicPosition, limits: ReadLimits, signal?: AbortSignal): Promise<RecordBatch> {
    const until = performance.now() + limits.waitMs;
    let at = from;
    for (;;) {
      const batch = await this.#readNow(at, limits, Math.max(PATIENCE_MS, until - performance.now()), signal);
      const waitMs = Math.ceil(until - performance.now());
      if (batch.records.length > 0 || waitMs <= 0 || signal?.aborted === true) return batch;
      at = { ...at, offset: batch.nextOffset };
      const arrived = await this.#longPoll.wait(at, fetchBytes(limits), waitMs, signal);
      if (arrived !== null) this.#keepAhead(at, toFetched(at, arrived));
      // After a failure the next request would fail too: the pause keeps that from becoming a loop.
      else if (performance.now() < until) await pause(20, signal ?? NEVER);
    }
  }

  async close(): Promise<void> {
    this.#longPoll.close();
    this.#ahead.clear();
    await Promise.all([this.#link.close(), this.#waitingLink.close()]);
  }

  async #readNow(
    at: TopicPosition,
    limits: ReadLimits,
    patienceMs: number,
    signal?: AbortSignal,
  ): Promise<RecordBatch> {
    const name = `${at.topic}:${at.partition}`;
    const ahead = this.#ahead.get(name);
    this.#ahead.delete(name);
    if (ahead !== undefined && ahead.offset === at.offset) return this.#take(at, ahead, limits);
    try {
      const fetched = await this.#trying('fetch', patienceMs, signal, () => this.#fetch(at, limits));
      return this.#take(at, fetched, limits);
    } catch (error) {
      if (signal?.aborted !== true) throw error;
      const { topic, partition, offset } = at;
      return { topic, partition, records: [], nextOffset: offset, headOffset: offset };
    }
  }

  async #fetch(at: TopicPosition, limits: ReadLimits): Promise<Fetched> {
    const { topic, partition, offset } = at;
    const broker = await this.#link.leader(topic, partition);
    if (broker === null) return { offset, nextOffset: offset, head: 0n, records: [] };
    try {
      const found = await fetchFrom(broker, [{ ...at, bytesMax: fetchBytes(limits) }], 0);
      return toFetched(at, found.get(`${topic}:${partition}`));
    } catch (error) {
      if (kafkaErrorType(error) !== 'OFFSET_OUT_OF_RANGE') throw error;
      const { first, head } = (await this.#link.bounds(topic, [partition])).get(partition) ?? { first: 0n, head: 0n };
      if (offset < first) return this.#fetch({ ...at, offset: first }, limits);
      return { offset, nextOffset: offset, head, records: [] };
    }
  }

  /** Cuts to the limits; the rest waits for the read that goes on where this one ends. */
  #take(at: TopicPosition, fetched: Fetched, limits: ReadLimits): RecordBatch {
    const { topic, partition } = at;
    let bytes = 0;
    let count = 0;
    for (const record of fetched.records) {
      bytes += record.value.length;
      if (count >= limits.recordsMax || (count > 0 && bytes > limits.bytesMax)) break;
      count += 1;
    }
    if (count === fetched.records.length) {
      return { topic, partition, records: fetched.records, nextOffset: fetched.nextOffset, headOffset: fetched.head };
    }
    const rest = fetched.records.slice(count);
    const nextOffset = rest[0]?.offset ?? fetched.nextOffset;
    this.#keepAhead(at, { ...fetched, offset: nextOffset, records: rest });
    return { topic, partition, records: fetched.records.slice(0, count), nextOffset, headOffset: fetched.head };
  }

  #keepAhead(at: TopicPosition, fetched: Fetched): void {
    if (this.#ahead.size >= PLACES_AHEAD_MAX) {
      for (const oldest of this.#ahead.keys()) {
        this.#ahead.delete(oldest);
        break;
      }
    }
    this.#ahead.set(`${at.topic}:${at.partition}`, fetched);
  }

  #trying<T>(what: string, patienceMs: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.#link.trying(what, { patienceMs, signal, report: this.#report }, work);
  }
}

const NEVER = new AbortController().signal;

function fetchBytes(limits: ReadLimits): number {
  return Math.min(Math.max(limits.bytesMax, FETCH_BYTES_MIN), FETCH_BYTES_MAX);
}

/** Kafka may send records before the asked offset (their batch begins there) and control records. */
function toFetched(at: TopicPosition, partition: RawPartition | undefined): Fetched {
  const records: StoredRecord[] = [];
  let nextOffset = at.offset;
  for (const message of partition?.messages ?? []) {
    const offset = BigInt(message.offset);
    if (offset < at.offset) continue;
    nextOffset = offset + 1n;
    if (message.isControlRecord !== true) records.push(fromKafkaMessage(at.topic, at.partition, message));
  }
  return { offset: at.offset, nextOffset, head: BigInt(partition?.highWatermark ?? 0), records };
}
