import { decodeEvent } from '#events/domain/event-codec.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';

const LIMITS = { recordsMax: 1_000, bytesMax: 4 * 1024 * 1024 };
const POLL_MS = 200;

export interface TopicTail {
  stop(): Promise<void>;
}

/**
 * Replays a topic from its first record and goes on as it grows. Resolves when all that was there has been given, or
 * after `startWaitMs`: a log that is away must not keep the gateway from serving.
 */
export async function tailTopic(
  reader: EventLogReader,
  topic: string,
  onEvent: (event: RouterEvent) => void,
  onProblem: (error: unknown) => void,
  startWaitMs: number,
): Promise<TopicTail> {
  const stop = new AbortController();
  const tails = new Map<number, Promise<void>>();
  const caughtUp: Promise<void>[] = [];
  const discover = async (): Promise<void> => {
    for (const partition of await reader.partitions(topic)) {
      if (tails.has(partition)) continue;
      const reached = Promise.withResolvers<void>();
      caughtUp.push(reached.promise);
      const order = { reader, topic, partition, onEvent, onProblem, onCaughtUp: reached.resolve };
      tails.set(partition, tailPartition(order, stop.signal));
    }
  };
  const first = discover().then(() => Promise.all(caughtUp));
  await Promise.race([first.catch(onProblem), sleep(startWaitMs, stop.signal)]);
  const timer = setInterval(() => void discover().catch(onProblem), POLL_MS * 5);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      stop.abort();
      await Promise.allSettled(tails.values());
    },
  };
}

interface PartitionOrder {
  readonly reader: EventLogReader;
  readonly topic: string;
  readonly partition: number;
  readonly onEvent: (event: RouterEvent) => void;
  readonly onProblem: (error: unknown) => void;
  readonly onCaughtUp: () => void;
}

async function tailPartition(order: PartitionOrder, signal: AbortSignal): Promise<void> {
  const { reader, topic, partition, onEvent, onProblem, onCaughtUp } = order;
  let offset = 0n;
  while (!signal.aborted) {
    try {
      const batch = await reader.read({ topic, partition, offset }, { ...LIMITS, waitMs: POLL_MS }, signal);
      for (const record of batch.records) {
        const decoded = decodeEvent(record);
        if (decoded.ok) onEvent(decoded.event);
        else onProblem(new Error(`${topic}/${partition}/${record.offset}: ${decoded.reason}, ${decoded.detail}`));
      }
      offset = batch.nextOffset;
      if (batch.nextOffset >= batch.headOffset) onCaughtUp();
    } catch (error) {
      if (signal.aborted) return;
      onProblem(error);
      await sleep(1_000, signal);
    }
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // Taken off again: a topic that is away for days is waited for a hundred thousand times.
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
  });
}
