import { pass } from '#events/ports/failpoint.js';
import type { CheckpointStore } from '../ports/checkpoint-store.js';
import type { BatchOutcome, EventLogReader, RecordBatch, SubscribeOptions } from '../ports/event-log.js';
import { backoffMs, pause } from './backoff.js';
import { gatherBatch } from './gather-batch.js';

/** Where something went wrong in a consumer; it goes on by itself in every case. */
export interface ConsumerFault {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** `handler` threw, a `read` or a checkpoint `save` failed, or the checkpoint lies `beyond_head`: records were lost. */
  readonly during: 'handler' | 'read' | 'save' | 'beyond_head';
}

export interface ConsumeDependencies {
  readonly reader: EventLogReader;
  readonly checkpoints: CheckpointStore;
  /** Told of every fault; what it throws is ignored. */
  readonly onError?: ((error: unknown, fault: ConsumerFault) => void) | undefined;
}

export type BatchHandler = (batch: RecordBatch) => Promise<BatchOutcome>;

/** Runs one group over one partition of one topic until the signal aborts. Never rejects. */
export async function consumePartition(
  { reader, checkpoints, onError }: ConsumeDependencies,
  options: SubscribeOptions,
  at: { readonly topic: string; readonly partition: number },
  onBatch: BatchHandler,
  signal: AbortSignal,
): Promise<void> {
  const { group } = options;
  const { topic, partition } = at;
  let offset = 0n;
  let failures = 0;

  const report = (error: unknown, during: ConsumerFault['during']): void => {
    try {
      onError?.(error, { group, topic, partition, offset, during });
    } catch {
      // A reporter that fails must not stop the consumer.
    }
  };
  const persist = async <T>(during: ConsumerFault['during'], work: () => Promise<T>): Promise<T | null> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        report(error, during);
        // After a stop there is one more try, so that the last checkpoint is saved if that is possible at all.
        if (signal.aborted) return null;
        await pause(backoffMs(tries), signal);
      }
    }
  };
  const save = (next: bigint): Promise<true | null> =>
    persist('save', async () => {
      await checkpoints.save(group, topic, partition, next);
      return true as const;
    });

  const place = await persist('read', () => startingPlace({ reader, checkpoints }, group, at));
  if (place === null) return;
  offset = place.offset;
  if (place.lost > 0n) {
    report(new Error(`${place.lost} consumed records are no longer in the log`), 'beyond_head');
    await save(offset);
  }

  while (!signal.aborted) {
    const from = { topic, partition, offset };
    const batch = await persist('read', () => gatherBatch(reader, from, options, signal));
    if (batch === null || batch.records.length === 0) continue;
    for (let delivered = false; !delivered && !signal.aborted;) {
      let waitMs = 0;
      try {
        const outcome = await onBatch(batch);
        failures = 0;
        if (outcome.kind === 'done') delivered = true;
        else waitMs = outcome.afterMs;
      } catch (error) {
        failures += 1;
        report(error, 'handler');
        waitMs = backoffMs(failures);
      }
      if (delivered) {
        pass('batch_handled');
        offset = batch.nextOffset;
        await save(offset);
      } else await pause(waitMs, signal);
    }
  }
}

interface StartingPlace {
  readonly offset: bigint;
  /** How far a checkpoint lay beyond the head: a power cut took records that had been consumed already. */
  readonly lost: bigint;
}

async function startingPlace(
  { reader, checkpoints }: ConsumeDependencies,
  group: string,
  at: { readonly topic: string; readonly partition: number },
): Promise<StartingPlace> {
  const checkpoint = await checkpoints.load(group, at.topic, at.partition);
  const { first, head } = await reader.bounds(at.topic, at.partition);
  if (checkpoint === null) return { offset: first, lost: 0n };
  // The offsets after the head will be given to new records: a consumer that stayed beyond it would skip those.
  if (checkpoint > head) return { offset: head, lost: checkpoint - head };
  return { offset: checkpoint, lost: 0n };
}
