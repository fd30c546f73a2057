import type { NewRecord } from '#events/domain/event-record.js';
import { TOPICS } from '#events/domain/topics.js';
import { createArrayLog, type ArrayLog } from './array-log.js';
import { Ed25519Signer } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { MemoryTileStore } from '../adapters/memory/memory-tile-store.js';
import { LogSequencer, type LogParts } from '../usecases/log-sequencer.js';

export const testSigner = new Ed25519Signer('test.example', new Uint8Array(32).fill(3));

/** Records `{"receiptId":"<from>"}` … in the topic of the receipts. */
export function receiptRecords(from: number, count: number): NewRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    topic: TOPICS.receipts,
    key: `r${from + n}`,
    value: JSON.stringify({ receiptId: `r${from + n}` }),
    headers: {},
  }));
}

export interface TestLog {
  readonly log: ArrayLog;
  readonly store: MemoryTileStore;
  readonly parts: LogParts;
  /** Opens the sequencer anew, as after a restart. */
  open(): Promise<LogSequencer>;
  /** Reads the log on into the sequencer. */
  readOn(sequencer: LogSequencer): Promise<void>;
}

export async function logOf(count: number, change: Partial<LogParts> = {}): Promise<TestLog> {
  const log = createArrayLog();
  await log.writer.append(receiptRecords(0, count)).durable;
  const store = new MemoryTileStore();
  const parts: LogParts = {
    topic: TOPICS.receipts,
    partition: 0,
    reader: log.reader,
    store,
    signer: testSigner,
    digest: sha256,
    ...change,
  };
  return {
    log,
    store,
    parts,
    open: () => LogSequencer.open(parts),
    readOn: async (sequencer) => {
      const from = { topic: TOPICS.receipts, partition: 0, offset: BigInt(sequencer.size) };
      sequencer.append((await parts.reader.read(from, { recordsMax: 1e6, bytesMax: 1e9, waitMs: 0 })).records);
    },
  };
}

/** Sequences and signs all of a log. */
export async function signedLog(count: number): Promise<TestLog & { readonly note: string }> {
  const test = await logOf(count);
  const sequencer = await test.open();
  await test.readOn(sequencer);
  const signed = await sequencer.sign();
  return { ...test, note: signed?.note ?? '' };
}
