import { beforeEach, describe, expect, it } from 'vitest';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import type { Receipt } from '#events/domain/receipt.js';
import { RouterError } from '#events/domain/router-error.js';
import { adjustedRecord, ArrayLog, sealedRecord } from '../__fixtures__/array-log.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import { MemoryReceiptStore } from '../adapters/memory/memory-receipt-store.js';
import { MemoryTailIntents } from '../adapters/memory/memory-tail-intents.js';
import type { InsertOptions, ReceiptBatch } from '../ports/receipt-store.js';
import { createReceiptIngest } from './ingest-receipts.js';

const receipts = [...generateReceipts({ seed: 3, count: 60, endMs: Date.UTC(2026, 10, 20), days: 3 })];
const sealed = receipts.map(sealedRecord);
const receiptAt = (index: number): Receipt => receipts[index] as Receipt;
const sealedAt = (index: number): NewRecord => sealed[index] as NewRecord;

/** A memory store that can go away, and that keeps what it was asked. */
class RecordingStore extends MemoryReceiptStore {
  failures = 0;
  readonly ranges: string[] = [];
  readonly batches: { readonly batch: ReceiptBatch; readonly options: InsertOptions }[] = [];

  override async insert(batch: ReceiptBatch, options: InsertOptions = {}): Promise<void> {
    this.ranges.push(`${batch.firstOffset}-${batch.lastOffset}${options.verify === true ? '?' : ''}`);
    if (this.failures > 0) {
      this.failures -= 1;
      throw new RouterError({ code: 'store_unavailable', publicMessage: 'away', retryable: true });
    }
    this.batches.push({ batch, options });
    await super.insert(batch);
  }
}

describe('ingesting receipts', () => {
  let log: ArrayLog;
  let store: RecordingStore;
  let intents: MemoryTailIntents;
  let dead: { readonly record: StoredRecord; readonly reason: string }[];
  const start = (blockSize = 10n) =>
    createReceiptIngest({
      store,
      intents,
      blockSize,
      deadLetter: async (record, reason) => void dead.push({ record, reason }),
    });

  beforeEach(() => {
    log = new ArrayLog();
    store = new RecordingStore();
    intents = new MemoryTailIntents();
    dead = [];
  });

  it('cuts at multiples of the block size and looks before its first insert only', async () => {
    log.append(0, ...sealed.slice(0, 25));

    const outcome = await start()(log.batch(0, 3, 25));

    expect(outcome).toEqual({ kind: 'done' });
    expect(store.ranges).toEqual(['3-9?', '10-19', '20-24']);
    expect(await intents.load(0)).toEqual({ partition: 0, firstOffset: 20n, lastOffset: 24n });
  });

  it('sends the range of a crashed process again as it was', async () => {
    log.append(0, ...sealed.slice(0, 9));
    await intents.save({ partition: 0, firstOffset: 2n, lastOffset: 4n });

    await start()(log.batch(0, 1, 9));

    expect(store.ranges).toEqual(['1-1?', '2-4', '5-8']);
  });

  it('waits while the store is away, then goes on with the same range and looks what is there', async () => {
    log.append(0, ...sealed.slice(0, 5));
    const ingest = start();
    store.failures = 2;

    const first = await ingest(log.batch(0, 0, 3));
    const second = await ingest(log.batch(0, 0, 3));
    const third = await ingest(log.batch(0, 0, 5));

    expect([first, second, third]).toEqual([
      { kind: 'again', afterMs: 250 },
      { kind: 'again', afterMs: 500 },
      { kind: 'done' },
    ]);
    expect(store.ranges).toEqual(['0-2?', '0-2?', '0-2?', '3-4']);
    expect((await store.sums()).receipts).toBe(5n);
  });

  it('counts a receipt that was sealed twice once and keeps its second place', async () => {
    log.append(0, sealedAt(0), sealedAt(1), sealedAt(0));
    log.append(0, sealedAt(1));
    const ingest = start();

    await ingest(log.batch(0, 0, 3));
    await ingest(log.batch(0, 3, 4));

    expect((await store.sums()).receipts).toBe(2n);
    expect(
      store.batches.flatMap(({ batch }) => batch.skipped ?? []).map(({ kind, place }) => `${kind} ${place.offset}`),
    ).toEqual(['duplicate 2', 'duplicate 3']);
    expect(await store.lastOffset(0)).toBe(3n);
  });

  it('does not take a redelivered receipt for a repeat', async () => {
    log.append(0, sealedAt(0));
    const ingest = start();

    await ingest(log.batch(0, 0, 1));
    await ingest(log.batch(0, 0, 1));

    expect(store.batches.map(({ batch }) => batch.receipts.length)).toEqual([1, 1]);
  });

  it('puts what nobody can read aside and stores the rest', async () => {
    const garbage: NewRecord = { ...sealedAt(1), value: new Uint8Array([0xff, 0x00]) };
    const foreign: NewRecord = {
      ...sealedAt(2),
      headers: { ...sealedAt(2).headers, ce_type: 'nextmodel.content.stored.v1' },
    };
    const tooMuch = sealedRecord({ ...receiptAt(3), costPicoUsd: '9'.repeat(19) });
    const shapeless: NewRecord = {
      ...sealedAt(4),
      value: JSON.stringify({ receiptId: 'x', tenantId: 't', acceptedAt: 'now', status: 'ok' }),
    };
    log.append(0, sealedAt(0), garbage, foreign, tooMuch, shapeless, sealedAt(5));

    const outcome = await start()(log.batch(0, 0, 6));

    expect(outcome).toEqual({ kind: 'done' });
    expect((await store.sums()).receipts).toBe(2n);
    expect([...new Set(dead.map(({ record }) => record.offset))].toSorted()).toEqual([1n, 2n, 3n, 4n]);
    expect(dead.map(({ reason }) => reason).join(' ')).not.toContain(receiptAt(3).tenantId);
    expect(await store.lastOffset(0)).toBe(5n);
  });

  it('stores adjustments', async () => {
    const { receiptId, tenantId } = receiptAt(0);
    const adjustment = {
      receiptId,
      tenantId,
      seq: 1,
      adjustedAt: '2026-11-20T00:00:00.000Z',
      deltaPicoUsd: '5',
      reason: 'invoice',
      evidence: '',
    };
    log.append(0, sealedAt(0), adjustedRecord(adjustment), adjustedRecord(adjustment));

    await start()(log.batch(0, 0, 3));

    expect((await store.sums()).adjustments).toBe(1n);
  });

  it('lets a bug through instead of waiting for ever', async () => {
    log.append(0, sealedAt(0));
    store.insert = async () => {
      throw new TypeError('a bug');
    };

    await expect(start()(log.batch(0, 0, 1))).rejects.toThrow('a bug');
  });
});
