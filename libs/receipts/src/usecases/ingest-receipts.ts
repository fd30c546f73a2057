import type { StoredRecord } from '#events/domain/event-record.js';
import { RouterError } from '#events/domain/router-error.js';
import type { BatchOutcome, RecordBatch } from '#event-log/ports/event-log.js';
import { BLOCK_SIZE, cutIntoChunks } from '../domain/ingest-chunks.js';
import { RecentIds } from '../domain/recent-ids.js';
import type { ReceiptBatch, ReceiptStore } from '../ports/receipt-store.js';
import type { TailIntent, TailIntentStore } from '../ports/tail-intent-store.js';
import { boundedStep, type StepReport } from './bounded-step.js';
import { deadBatch, sortRecords } from './sort-records.js';

export interface IngestDependencies {
  readonly store: ReceiptStore;
  readonly intents: TailIntentStore;
  /** Keeps a record that nobody can store, with the reason (no content in it). Must be durable when it resolves. */
  deadLetter(record: StoredRecord, reason: string): Promise<void>;
  /** Told when the store did not take a batch; the batch will come again. */
  readonly onDelay?: (error: RouterError, partition: number) => void;
  /** Told when a step outside the store (an intent, a dead letter) takes 5 s, and when it is given up after 30 s. */
  readonly onReport?: (report: StepReport) => void;
  /** Told when a batch is stored. */
  readonly onStored?: (batch: ReceiptBatch) => void;
  /** Default 5,000. */
  readonly blockSize?: bigint;
}

interface PartitionState {
  /** Is it sure that nothing of the next records is stored yet? Not after a start, not after a failure. */
  certain: boolean;
  pending: TailIntent | null;
  /** Up to here the store may hold rows already: after a replay, or when checkpoints were lost. */
  verifyThrough: bigint;
  failures: number;
  readonly recent: RecentIds;
}

const WAIT_MS = [250, 500, 1_000, 2_000, 5_000];
const STEP_MS = { slowMs: 5_000, limitMs: 30_000 };

/**
 * The consumer of `nextmodel.receipts`: at least once from the log, exactly once in effect in the store.
 *
 * Each piece of a batch is one insert for each table with a token of its own, `log_entries` last. Before it is sent
 * its range is written down; after a crash that range is sent again as it was. The first piece after a start or a
 * failure, and all that lies before the last stored offset, first looks up table by table what is stored already, so
 * that a try that ended between two tables, or whose intent was lost, is completed and not doubled. ReplacingMergeTree is the net below.
 *
 * @returns the handler of a batch. Store away: `again`, nothing is lost. Records that nobody can read, or that the
 *   store will never take, go to `deadLetter`, and the rest goes on.
 */
export function createReceiptIngest(given: IngestDependencies): (batch: RecordBatch) => Promise<BatchOutcome> {
  const dependencies = bounded(given);
  const states = new Map<number, PartitionState>();

  return async (batch) => {
    if (batch.records.length === 0) return { kind: 'done' };
    let state = states.get(batch.partition);
    if (state === undefined) {
      const pending = await dependencies.intents.load(batch.partition);
      state = { certain: false, pending, verifyThrough: -1n, failures: 0, recent: new RecentIds() };
      states.set(batch.partition, state);
    }
    try {
      if (!state.certain) state.verifyThrough = (await dependencies.store.lastOffset(batch.partition)) ?? -1n;
      const chunks = cutIntoChunks(batch.records, state.pending, dependencies.blockSize ?? BLOCK_SIZE);
      for (const chunk of chunks) {
        await rememberIntent(dependencies.intents, state, chunk);
        const reached = (chunk[0]?.offset ?? 0n) <= state.verifyThrough;
        await store(dependencies, state, chunk, !state.certain || reached);
        state.certain = true;
      }
      state.failures = 0;
      return { kind: 'done' };
    } catch (error) {
      state.certain = false;
      if (!(error instanceof RouterError) || !error.retryable) throw error;
      const afterMs = WAIT_MS[Math.min(state.failures, WAIT_MS.length - 1)] ?? 1_000;
      state.failures += 1;
      dependencies.onDelay?.(error, batch.partition);
      return { kind: 'again', afterMs };
    }
  };
}

/** No step waits for ever: a disk or a broker that says nothing becomes a batch that comes again, and a line in the log. */
function bounded(given: IngestDependencies): IngestDependencies {
  const { intents, onReport } = given;
  const within = <T>(step: string, work: () => Promise<T>): Promise<T> =>
    boundedStep(step, { ...STEP_MS, onReport }, work);
  return {
    ...given,
    intents: {
      load: (partition) => within('load an intent', () => intents.load(partition)),
      save: (intent) => within('save an intent', () => intents.save(intent)),
    },
    deadLetter: (record, reason) => within('keep a dead letter', () => given.deadLetter(record, reason)),
  };
}

async function rememberIntent(
  intents: TailIntentStore,
  state: PartitionState,
  chunk: readonly StoredRecord[],
): Promise<void> {
  const [first, last] = [chunk[0], chunk.at(-1)];
  if (first === undefined || last === undefined) return;
  const intent = { partition: first.partition, firstOffset: first.offset, lastOffset: last.offset };
  await intents.save(intent);
  state.pending = intent;
}

/** Stores a piece; when the store refuses it for its data, halves it until the record at fault stands alone. */
async function store(
  dependencies: IngestDependencies,
  state: PartitionState,
  records: readonly StoredRecord[],
  verify: boolean,
): Promise<void> {
  const { batch, dead, seen } = sortRecords(records, state.recent);
  try {
    for (const { record, reason } of dead) await dependencies.deadLetter(record, reason);
    await dependencies.store.insert(batch, { verify });
  } catch (error) {
    if (!(error instanceof RouterError) || error.code !== 'event_undecodable') throw error;
    const [only] = records;
    if (records.length === 1 && only !== undefined) {
      await dependencies.deadLetter(only, error.publicMessage);
      return dependencies.store.insert(deadBatch(only, 'refused'), { verify: true });
    }
    const middle = Math.ceil(records.length / 2);
    await store(dependencies, state, records.slice(0, middle), true);
    return store(dependencies, state, records.slice(middle), true);
  }
  for (const [id, offset] of seen) state.recent.add(id, offset);
  dependencies.onStored?.(batch);
}
