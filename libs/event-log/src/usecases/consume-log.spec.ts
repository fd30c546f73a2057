import { describe, expect, it, vi } from 'vitest';
import type { NewRecord } from '#events/domain/event-record.js';
import { createLogSubscriber, createMemoryLog } from '../event-log.module.js';
import type { CheckpointStore } from '../ports/checkpoint-store.js';
import type { BatchOutcome, EventLogReader, RecordBatch, SubscribeOptions } from '../ports/event-log.js';
import { backoffMs } from './backoff.js';
import type { ConsumerFault } from './consume-partition.js';

const TOPIC = 'nextmodel.receipts';
const OPTIONS: SubscribeOptions = { group: 'g', topics: [TOPIC], startAt: 'first', recordsMax: 100, lingerMs: 0 };
const DONE: BatchOutcome = { kind: 'done' };
const record = (text: string): NewRecord => ({ topic: TOPIC, key: 'k', value: text, headers: {} });
const texts = (batch: RecordBatch): string[] =>
  batch.records.map((each) => `${batch.partition}:${Buffer.from(each.value).toString()}`);

/** Memory logs as partitions 0, 1, … of one log; more may be added while it is read. */
function partitioned(logs: ReturnType<typeof createMemoryLog>[]): EventLogReader {
  return {
    partitions: async () => logs.map((_, partition) => partition),
    bounds: async (topic, partition) => (logs[partition] as (typeof logs)[number]).reader.bounds(topic, 0),
    read: async (from, limits, signal) => {
      const { reader } = logs[from.partition] as (typeof logs)[number];
      return { ...(await reader.read({ ...from, partition: 0 }, limits, signal)), partition: from.partition };
    },
    close: async () => {},
  };
}

function start(logs: ReturnType<typeof createMemoryLog>[], checkpoints: CheckpointStore, reader = partitioned(logs)) {
  const faults: (ConsumerFault & { error: unknown })[] = [];
  const onError = (error: unknown, fault: ConsumerFault): void => void faults.push({ ...fault, error });
  return { subscriber: createLogSubscriber({ reader, checkpoints, onError }), faults };
}

describe('the consumer loop', () => {
  it('lets other partitions go on while one waits', async () => {
    const logs = [createMemoryLog(), createMemoryLog()];
    for (const { writer } of logs) writer.append([record('a'), record('b')]);
    const { subscriber } = start(logs, createMemoryLog().checkpoints);
    const seen: string[] = [];

    await subscriber.subscribe({ ...OPTIONS, recordsMax: 1 }, async (batch) => {
      if (batch.partition === 0) return { kind: 'again', afterMs: 60_000 };
      seen.push(...texts(batch));
      return DONE;
    });
    await vi.waitFor(() => expect(seen).toEqual(['1:a', '1:b']));
    expect(await subscriber.lag('g', [TOPIC])).toBe(2n);

    await subscriber.close();
  });

  it.each(['first', 'head'] as const)(
    'finds a partition that appears later, from its first record (%s)',
    async (startAt) => {
      const logs = [createMemoryLog()];
      const { subscriber } = start(logs, createMemoryLog().checkpoints);
      const seen: string[] = [];
      await subscriber.subscribe({ ...OPTIONS, startAt }, async (batch) => {
        seen.push(...texts(batch));
        return DONE;
      });

      const added = createMemoryLog();
      added.writer.append([record('new')]);
      logs.push(added);
      await vi.waitFor(() => expect(seen).toEqual(['1:new']), { timeout: 3000 });

      await subscriber.close();
    },
  );

  it('remembers the head where a group began, so that a restart before its first batch skips nothing', async () => {
    const log = createMemoryLog();
    log.writer.append([record('old')]);
    const { subscriber } = start([log], log.checkpoints);
    const subscription = await subscriber.subscribe({ ...OPTIONS, startAt: 'head' }, async () => DONE);
    await subscription.stop();
    log.writer.append([record('between')]);
    const seen: string[] = [];

    await subscriber.subscribe({ ...OPTIONS, startAt: 'head' }, async (batch) => {
      seen.push(...texts(batch));
      return DONE;
    });
    await vi.waitFor(() => expect(seen).toEqual(['0:between']));

    await subscriber.close();
  });

  it('collects records during the linger into one batch, and hands a full batch over at once', async () => {
    const log = createMemoryLog();
    const { subscriber } = start([log], log.checkpoints);
    const sizes: number[] = [];
    await subscriber.subscribe({ ...OPTIONS, recordsMax: 10, lingerMs: 400 }, async (batch) => {
      sizes.push(batch.records.length);
      return DONE;
    });

    for (const text of ['a', 'b', 'c']) {
      log.writer.append([record(text)]);
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    await vi.waitFor(() => expect(sizes).toEqual([3]));
    const started = performance.now();
    log.writer.append(Array.from({ length: 20 }, (_, n) => record(String(n))));
    await vi.waitFor(() => expect(sizes).toEqual([3, 10, 10]), { interval: 5 });

    expect(performance.now() - started).toBeLessThan(300);
    await subscriber.close();
  });

  it('saves a checkpoint again until it is saved, and goes on', async () => {
    const log = createMemoryLog();
    log.writer.append([record('a')]);
    let failures = 2;
    const checkpoints: CheckpointStore = {
      load: (...place) => log.checkpoints.load(...place),
      save: async (...place) => {
        failures -= 1;
        if (failures >= 0) throw new Error('disk full');
        await log.checkpoints.save(...place);
      },
      remove: async () => {},
    };
    const { subscriber, faults } = start([log], checkpoints);
    const seen: string[] = [];

    await subscriber.subscribe(OPTIONS, async (batch) => {
      seen.push(...texts(batch));
      return DONE;
    });
    await vi.waitFor(async () => expect(await log.checkpoints.load('g', TOPIC, 0)).toBe(1n), { timeout: 3000 });

    expect(faults.map(({ during, topic, partition }) => ({ during, topic, partition }))).toEqual(
      [1, 2].map(() => ({ during: 'save', topic: TOPIC, partition: 0 })),
    );
    expect(seen).toEqual(['0:a']);
    await subscriber.close();
  });

  it('reports a failed read and reads again', async () => {
    const log = createMemoryLog();
    log.writer.append([record('a')]);
    const working = partitioned([log]);
    let failures = 1;
    const reader: EventLogReader = {
      ...working,
      read: async (...asked) => {
        failures -= 1;
        if (failures >= 0) throw new TypeError('broken');
        return working.read(...asked);
      },
    };
    const { subscriber, faults } = start([log], log.checkpoints, reader);
    const seen: string[] = [];

    await subscriber.subscribe(OPTIONS, async (batch) => {
      seen.push(...texts(batch));
      return DONE;
    });
    await vi.waitFor(() => expect(seen).toEqual(['0:a']), { timeout: 3000 });

    expect(faults.map((fault) => fault.during)).toEqual(['read']);
    await subscriber.close();
  });

  it('goes back to the head when its checkpoint lies beyond it, and reports that records were lost', async () => {
    const log = createMemoryLog();
    log.writer.append([record('a')]);
    await log.checkpoints.save('g', TOPIC, 0, 5n);
    const { subscriber, faults } = start([log], log.checkpoints);
    const seen: string[] = [];

    await subscriber.subscribe(OPTIONS, async (batch) => {
      seen.push(...texts(batch));
      return DONE;
    });
    await vi.waitFor(() => expect(faults.map((fault) => fault.during)).toEqual(['beyond_head']));
    log.writer.append([record('b')]);
    await vi.waitFor(() => expect(seen).toEqual(['0:b']));

    await subscriber.close();
  });
});

it('the wait after a failure grows from 100 ms to 10 s', () => {
  expect([1, 2, 3, 7, 8, 100].map(backoffMs)).toEqual([100, 200, 400, 6400, 10_000, 10_000]);
});
