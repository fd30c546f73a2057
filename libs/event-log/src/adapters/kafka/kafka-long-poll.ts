import type { KafkaLink } from './kafka-link.js';
import { type RawBroker, type RawPartition, type RawPosition, READ_UNCOMMITTED } from './kafkajs-cluster.js';

/** One request waits this long at the broker: as long as a reader that comes in between may have to wait to join. */
const SLICE_MS = 100;

interface Waiter extends RawPosition {
  readonly bytesMax: number;
  readonly resolve: (found: RawPartition | null) => void;
}

/**
 * All waiting reads of a process in one request per broker. A broker answers the requests of a connection one after
 * the other, so waits of their own would hold each other up, and a connection for each would not scale.
 */
export class KafkaLongPoll {
  readonly #link: KafkaLink;
  readonly #waiting = new Set<Waiter>();
  #running = false;

  constructor(link: KafkaLink) {
    this.#link = link;
  }

  /** Resolves with what arrived, or `null` when time is over, the signal aborted or the broker failed. Never rejects. */
  wait(at: RawPosition, bytesMax: number, ms: number, signal?: AbortSignal): Promise<RawPartition | null> {
    return new Promise((resolve) => {
      const end = (found: RawPartition | null): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#waiting.delete(waiter);
        resolve(found);
      };
      const giveUp = (): void => end(null);
      const waiter: Waiter = { ...at, bytesMax, resolve: end };
      const timer = setTimeout(giveUp, ms);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(waiter);
      if (signal?.aborted === true) giveUp();
      else if (!this.#running) void this.#run();
    });
  }

  /** Ends every wait. */
  close(): void {
    for (const waiter of this.#waiting) waiter.resolve(null);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.size > 0) {
      const round = this.#nextRound();
      try {
        await this.#ask(round);
      } catch {
        // Each reader asks by itself again and sees the error of its own partition.
        for (const waiter of round) waiter.resolve(null);
        await this.#link.recover();
      }
    }
    this.#running = false;
  }

  /** A request may name a partition once; readers at two places of it take turns. */
  #nextRound(): Waiter[] {
    const round = new Map<string, Waiter>();
    for (const waiter of this.#waiting) {
      const name = `${waiter.topic}:${waiter.partition}`;
      if (!round.has(name)) round.set(name, waiter);
    }
    for (const waiter of round.values()) {
      this.#waiting.delete(waiter);
      this.#waiting.add(waiter);
    }
    return [...round.values()];
  }

  async #ask(round: readonly Waiter[]): Promise<void> {
    const byBroker = new Map<RawBroker, Waiter[]>();
    for (const waiter of round) {
      const broker = await this.#link.leader(waiter.topic, waiter.partition);
      if (broker === null) throw new Error('no such partition');
      const sharing = byBroker.get(broker);
      if (sharing === undefined) byBroker.set(broker, [waiter]);
      else sharing.push(waiter);
    }
    await Promise.all([...byBroker].map(([broker, waiters]) => askBroker(broker, waiters)));
  }
}

async function askBroker(broker: RawBroker, waiters: readonly Waiter[]): Promise<void> {
  const found = await fetchFrom(broker, waiters, SLICE_MS);
  for (const waiter of waiters) {
    const partition = found.get(`${waiter.topic}:${waiter.partition}`);
    if (partition !== undefined && partition.messages.length > 0) waiter.resolve(partition);
  }
}

/** One fetch request; the answer by `topic:partition`. */
export async function fetchFrom(
  broker: RawBroker,
  positions: readonly (RawPosition & { readonly bytesMax: number })[],
  waitMs: number,
): Promise<Map<string, RawPartition>> {
  const { responses } = await broker.fetch({
    isolationLevel: READ_UNCOMMITTED,
    maxWaitTime: waitMs,
    minBytes: waitMs === 0 ? 0 : 1,
    maxBytes: positions.reduce((sum, { bytesMax }) => sum + bytesMax, 0),
    topics: positions.map(({ topic, partition, offset, bytesMax }) => ({
      topic,
      partitions: [{ partition, fetchOffset: offset.toString(), maxBytes: bytesMax }],
    })),
  });
  const found = new Map<string, RawPartition>();
  for (const { topicName, partitions } of responses) {
    for (const partition of partitions) found.set(`${topicName}:${partition.partition}`, partition);
  }
  return found;
}
