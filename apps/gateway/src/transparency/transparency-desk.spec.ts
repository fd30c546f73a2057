import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryLog } from '#event-log/event-log.module.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import { createSystemClock } from '#events/events.module.js';
import type { ReceiptId } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import { TOPICS } from '#events/domain/topics.js';
import { decodeEntryBundle } from '#transparency/domain/entry-bundle.js';
import { NODE_CRYPTO, openSigner, openTileStore } from '#transparency/transparency.module.js';
import { LogSequencer } from '#transparency/usecases/log-sequencer.js';
import { TransparencyDesk, type TransparencyParts } from './transparency-desk.js';

const folder = mkdtempSync(join(tmpdir(), 'desk-'));
const clock = createSystemClock();
const log = createMemoryLog();
const ids: ReceiptId[] = [];
const FOREIGN = 2;
let signer: TransparencyParts['signer'];

beforeAll(async () => {
  for (let n = 0; n < 5; n += 1) {
    const receiptId = clock.newReceiptId();
    const now = new Date(clock.nowMs()).toISOString();
    const facts = { receiptId, tenantId: 'acme', acceptedAt: now, sealedAt: now, status: 'ok', attempts: [] };
    const receipt = facts as unknown as Receipt;
    const sealed = encodeEvent('nextmodel.receipt.sealed.v1', `${receiptId}/sealed`, receiptId, now, receipt);
    const foreign = { topic: TOPICS.receipts, key: 'x', value: 'y'.repeat(65_536), headers: {} };
    await log.writer.append([n === FOREIGN ? foreign : sealed]).durable;
    ids.push(receiptId);
  }
  const key = await openSigner(join(folder, 'key'));
  signer = key;
  const store = openTileStore(folder, 0);
  const parts = { topic: TOPICS.receipts, partition: 0, reader: log.reader, store, signer: key };
  const sequencer = await LogSequencer.open({ ...parts, digest: NODE_CRYPTO.digest });
  const from = { topic: TOPICS.receipts, partition: 0, offset: 0n };
  sequencer.append((await log.reader.read(from, { recordsMax: 9, bytesMax: 1e9, waitMs: 0 })).records);
  await sequencer.sign();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Counts the questions to the log. */
function deskOf(findPlace?: TransparencyParts['findPlace']) {
  const asked = { reads: 0, partitions: 0 };
  const reader: EventLogReader = {
    partitions: (topic) => {
      asked.partitions += 1;
      return log.reader.partitions(topic);
    },
    bounds: (topic, partition) => log.reader.bounds(topic, partition),
    read: (from, limits, signal) => {
      asked.reads += 1;
      return log.reader.read(from, limits, signal);
    },
    close: () => Promise.resolve(),
  };
  const parts = { reader, directory: folder, signer };
  const desk = new TransparencyDesk(findPlace === undefined ? parts : { ...parts, findPlace });
  return { asked, desk };
}
const idAt = (n: number): ReceiptId => ids[n] as ReceiptId;

describe('a leaf', () => {
  it('is one look away where SQL knows its place', async () => {
    const { desk, asked } = deskOf(async () => ({ partition: 0, offset: 3n }));

    expect((await desk.findLeaf('acme', idAt(3)))?.offset).toBe(3n);
    expect(asked).toEqual({ reads: 1, partitions: 0 });
  });

  it.each([
    ['does not know it yet', async () => null],
    ['is away', () => Promise.reject(new Error('away'))],
    ['was edited: another receipt stands there', async () => ({ partition: 0, offset: 1n })],
    ['was edited: no event stands there', async () => ({ partition: 0, offset: BigInt(FOREIGN) })],
    ['names a place that the log does not have', async () => ({ partition: 7, offset: 99n })],
  ] as [string, NonNullable<TransparencyParts['findPlace']>][])(
    'is searched in the log when SQL %s',
    async (_, find) => {
      const { desk, asked } = deskOf(find);

      expect((await desk.findLeaf('acme', idAt(3)))?.offset).toBe(3n);
      expect(asked.partitions).toBe(1);
    },
  );

  it('is nobody else’s, whatever place SQL names', async () => {
    const { desk } = deskOf(async () => ({ partition: 0, offset: 3n }));

    expect(await desk.findLeaf('other', idAt(3))).toBeNull();
  });
});

describe('an entry bundle', () => {
  it('says which entry is too long for it, and is there without it', async () => {
    const { desk } = deskOf();
    const bundle = (width: number) => desk.entries(0, { level: 'entries', index: 0, width });

    const before = await bundle(FOREIGN);

    expect(before.kind === 'bundle' && decodeEntryBundle(before.bytes)).toHaveLength(FOREIGN);
    expect(await bundle(5)).toEqual({ kind: 'too_long', index: FOREIGN });
    expect(await bundle(6)).toEqual({ kind: 'missing' });
  });
});
