import { decodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import { inputTokens, outputTokens } from '#events/domain/meters.js';
import { picoToDecimal } from '#events/domain/money.js';
import { RouterError } from '#events/domain/router-error.js';
import { TOPICS } from '#events/domain/topics.js';
import type { CheckpointStore } from '#event-log/ports/checkpoint-store.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import type { ReceiptRebuild, ReceiptStore, ReceiptSums } from '../ports/receipt-store.js';
import type { TailIntentStore } from '../ports/tail-intent-store.js';
import { createReceiptIngest } from './ingest-receipts.js';

export interface ReplayProgress {
  readonly read: bigint;
  readonly total: bigint;
  /** Records whose rows are stored. */
  readonly inserted: bigint;
}

export interface ReplayReceiptsInit {
  readonly reader: EventLogReader;
  readonly live: ReceiptStore & ReceiptRebuild;
  /** A store on a database of its own; dropped before and after. */
  readonly rebuilt: ReceiptStore & ReceiptRebuild;
  /** Moved to where the replay ended, so that the ingester goes on from there. */
  readonly checkpoint?: { readonly store: CheckpointStore; readonly group: string };
  onProgress?(progress: ReplayProgress): void;
}

export interface ReplayResult {
  /** Did the rebuilt tables say what the log says? Only then were they put in place. */
  readonly matches: boolean;
  readonly fromLog: ReceiptSums;
  readonly rebuilt: ReceiptSums;
  readonly records: bigint;
  /** Records that no table can hold. */
  readonly dead: number;
}

const READ = { recordsMax: 5_000, bytesMax: 32_000_000, waitMs: 0 };
const TRIES_MAX = 20;
/** A replay that dies starts anew with empty tables, so there is nothing to remember. */
const NO_INTENTS: TailIntentStore = { load: async () => null, save: async () => {} };

/**
 * Builds the receipt tables again from the whole topic, beside the live ones; compares counts and sums with the log;
 * puts them in place. Works when the live tables do not exist. The ids of all receipts are held in memory meanwhile
 * (about 100 MB for a million). Stop the ingester first, or pass its checkpoint and start it again afterwards.
 * @throws RouterError `store_unavailable` when the store stays away.
 */
export async function replayReceipts(init: ReplayReceiptsInit): Promise<ReplayResult> {
  const { reader, live, rebuilt } = init;
  const tally = new LogTally();
  await rebuilt.dropDatabase();
  await rebuilt.migrate();
  const ingest = createReceiptIngest({
    store: rebuilt,
    intents: NO_INTENTS,
    deadLetter: async (record) => tally.subtract(record),
  });
  const partitions = await reader.partitions(TOPICS.receipts);
  const ends = new Map<number, bigint>();
  let total = 0n;
  for (const partition of partitions) {
    const { first, head } = await reader.bounds(TOPICS.receipts, partition);
    total += head - first;
  }
  let read = 0n;
  for (const partition of partitions) {
    const { first } = await reader.bounds(TOPICS.receipts, partition);
    let offset = first;
    for (;;) {
      const batch = await reader.read({ topic: TOPICS.receipts, partition, offset }, READ);
      if (batch.records.length === 0) break;
      for (const record of batch.records) tally.add(record);
      read += BigInt(batch.records.length);
      await untilStored(() => ingest(batch));
      offset = batch.nextOffset;
      init.onProgress?.({ read, total: read > total ? read : total, inserted: read });
    }
    ends.set(partition, offset);
  }
  const fromLog = tally.sums();
  const sums = await rebuilt.sums();
  const matches = sameSums(fromLog, sums);
  if (matches) {
    for (const day of await rebuilt.rollups.rollupDays()) await rebuilt.rollups.rebuildRollups(day);
    await live.migrate();
    await live.takeOver(rebuilt.database);
    if (init.checkpoint !== undefined) {
      for (const [partition, next] of ends) {
        await init.checkpoint.store.save(init.checkpoint.group, TOPICS.receipts, partition, next);
      }
    }
  }
  return { matches, fromLog, rebuilt: sums, records: read, dead: tally.dead };
}

async function untilStored(insert: () => ReturnType<ReturnType<typeof createReceiptIngest>>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await insert();
    if (outcome.kind === 'done') return;
    if (tries >= TRIES_MAX) {
      throw new RouterError({ code: 'store_unavailable', publicMessage: 'The SQL store went away during the replay.' });
    }
    await new Promise((resolve) => setTimeout(resolve, outcome.afterMs));
  }
}

function sameSums(a: ReceiptSums, b: ReceiptSums): boolean {
  return (Object.keys(a) as (keyof ReceiptSums)[]).every((name) => a[name] === b[name]);
}

/** What the log says by itself: the first receipt of each id, the first adjustment of each number. */
class LogTally {
  readonly #receipts = new Map<string, string>();
  readonly #adjustments = new Map<string, string>();
  #attempts = 0n;
  #costPico = 0n;
  #input = 0n;
  #output = 0n;
  readonly #deadPlaces = new Set<string>();

  get dead(): number {
    return this.#deadPlaces.size;
  }

  add(record: StoredRecord): void {
    this.#count(record, 1n);
  }

  /** Takes back a record that the store refused. */
  subtract(record: StoredRecord): void {
    const at = placeOf(record);
    if (this.#deadPlaces.has(at)) return;
    this.#deadPlaces.add(at);
    this.#count(record, -1n);
  }

  #count(record: StoredRecord, sign: 1n | -1n): void {
    const decoded = decodeEvent(record);
    if (!decoded.ok) return;
    const at = placeOf(record);
    if (decoded.event.type === 'nextmodel.receipt.adjusted.v1') {
      const { tenantId, receiptId, seq } = decoded.event.data;
      this.#claim(this.#adjustments, `${tenantId}/${receiptId}/${seq}`, at, sign);
      return;
    }
    if (decoded.event.type !== 'nextmodel.receipt.sealed.v1') return;
    const receipt = decoded.event.data;
    if (!this.#claim(this.#receipts, `${receipt.tenantId}/${receipt.receiptId}`, at, sign)) return;
    try {
      const [attempts, input, output] = [
        receipt.attempts.length,
        inputTokens(receipt.meters),
        outputTokens(receipt.meters),
      ];
      const cost = BigInt(receipt.costPicoUsd ?? '0');
      this.#attempts += sign * BigInt(attempts);
      this.#costPico += sign * cost;
      this.#input += sign * BigInt(input);
      this.#output += sign * BigInt(output);
    } catch {
      // not in the shape of a receipt: the store will refuse it, and it is taken back before it counted
    }
  }

  /** Does this record count? The first place of a key does; taking back needs the same place. */
  #claim(known: Map<string, string>, key: string, at: string, sign: 1n | -1n): boolean {
    if (sign === 1n) {
      if (known.has(key)) return false;
      known.set(key, at);
      return true;
    }
    if (known.get(key) !== at) return false;
    return known.delete(key);
  }

  sums(): ReceiptSums {
    return {
      receipts: BigInt(this.#receipts.size),
      attempts: this.#attempts,
      adjustments: BigInt(this.#adjustments.size),
      costUsd: picoToDecimal(this.#costPico),
      inputTokens: this.#input,
      outputTokens: this.#output,
    };
  }
}

function placeOf(record: StoredRecord): string {
  return `${record.partition}:${record.offset}`;
}
