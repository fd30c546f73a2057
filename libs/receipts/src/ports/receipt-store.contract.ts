import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReceiptId } from '#events/domain/ids.js';
import type { Receipt } from '#events/domain/receipt.js';
import { generateReceipts } from '../__fixtures__/generated-receipts.js';
import type { LogPlace, ReceiptBatch, ReceiptStore } from './receipt-store.js';

const END_MS = Date.UTC(2026, 10, 20);
const place = (offset: number, partition = 0): LogPlace => ({
  logId: `nextmodel.receipts/${partition}`,
  partition,
  offset: BigInt(offset),
});
const batchOf = (receipts: readonly Receipt[], first: number, partition = 0): ReceiptBatch => ({
  partition,
  firstOffset: BigInt(first),
  lastOffset: BigInt(first + receipts.length - 1),
  receipts: receipts.map((receipt, i) => ({ receipt, place: place(first + i, partition) })),
  adjustments: [],
});

/** What every receipt store does. `open` gives an empty one; each `describe` below uses one of its own. */
export function receiptStoreContract(name: string, open: () => Promise<ReceiptStore>): void {
  describe(`receipt store: ${name}`, () => {
    const receipts = [...generateReceipts({ seed: 7, count: 400, endMs: END_MS, days: 40 })];
    let store: ReceiptStore;
    let partition = 0;
    const next = (): number => (partition += 1);
    const count = async (): Promise<bigint> => (await store.sums()).receipts;

    beforeAll(async () => {
      store = await open();
      await store.migrate();
      await store.migrate();
    });
    afterAll(() => store.close());

    it('gives back what was written, field by field', async () => {
      const slice = receipts.slice(0, 60);
      await store.insert(batchOf(slice, 0, next()));

      for (const receipt of slice) expect(await store.find(receipt.tenantId, receipt.receiptId)).toEqual(receipt);
      const { tenantId, receiptId } = slice[7] as Receipt;
      expect(await store.findPlace(tenantId, receiptId)).toMatchObject({ partition, offset: 7n });
    });

    it('finds nothing for another tenant', async () => {
      const receipt = receipts[0] as Receipt;
      expect(await store.find('somebody-else', receipt.receiptId)).toBeNull();
      expect(await store.findPlace('somebody-else', receipt.receiptId)).toBeNull();
      expect(await store.find(receipt.tenantId, '00000000-0000-7000-8000-000000000000')).toBeNull();
    });

    it('changes nothing when the same batch comes again', async () => {
      const batch = batchOf(receipts.slice(60, 160), 0, next());
      await store.insert(batch);
      const before = await store.sums();
      await store.insert(batch);
      await store.insert(batch, { verify: true });
      await store.insert({ ...batchOf(receipts.slice(60, 120), 0, partition) }, { verify: true });

      expect(await store.sums()).toEqual(before);
      expect(await store.lastOffset(partition)).toBe(99n);
    });

    it('keeps two equal batches of different ranges apart in the log, and counts their receipts once', async () => {
      const slice = receipts.slice(160, 170);
      const before = await count();
      await store.insert(batchOf(slice, 0, next()));
      await store.insert(batchOf(slice, 10, partition));

      expect((await count()) - before).toBe(10n);
      expect(await store.lastOffset(partition)).toBe(19n);
    });

    it('keeps the first of two receipts with one id, whichever is written first', async () => {
      const first = receipts[170] as Receipt;
      const later = { ...first, latencyMs: first.latencyMs + 1 };
      await store.insert(batchOf([later], 5, next()));
      await store.insert(batchOf([first], 4, partition));

      expect(await store.find(first.tenantId, first.receiptId)).toEqual(first);
    });

    it('counts adjustments once and knows its last position whatever it held', async () => {
      const receipt = receipts[171] as Receipt;
      const before = await store.sums();
      const adjustment = {
        receiptId: receipt.receiptId,
        tenantId: receipt.tenantId,
        seq: 1,
        adjustedAt: '2026-11-20T00:00:00.000Z',
        deltaPicoUsd: '-1',
        reason: 'reprice',
        evidence: 'invoice 7',
      };
      const batch: ReceiptBatch = {
        ...batchOf([receipt], 0, next()),
        lastOffset: 3n,
        adjustments: [{ adjustment, place: place(1, partition) }],
        skipped: [
          { kind: 'duplicate', receiptId: receipt.receiptId, reason: '', place: place(2, partition) },
          { kind: 'dead', receiptId: null, reason: 'malformed', place: place(3, partition) },
        ],
      };
      await store.insert(batch);
      await store.insert(batch);

      expect((await store.sums()).adjustments - before.adjustments).toBe(1n);
      expect(await store.lastOffset(partition)).toBe(3n);
      expect(await store.lastOffset(9_999)).toBeNull();
    });

    it('lists a tenant page by page, newest first, each receipt once', async () => {
      await store.insert(batchOf(receipts.slice(280, 400), 0, next()));
      const { tenantId, apiKeyId } = receipts[281] as Receipt;
      const wanted = receipts
        .slice(280)
        .filter((receipt) => receipt.tenantId === tenantId)
        .toReversed();

      const pages: Receipt[] = [];
      for (let before: ReceiptId | undefined; pages.length < wanted.length;) {
        const page = await store.list(tenantId, { limit: 3, ...(before !== undefined && { before }) });
        if (page.length === 0) break;
        pages.push(...page);
        before = page.at(-1)?.receiptId as ReceiptId;
      }

      expect(pages.slice(0, wanted.length)).toEqual(wanted);
      const ofKey = await store.list(tenantId, { limit: 1_000, apiKeyId });
      expect(new Set(ofKey.map((receipt) => receipt.apiKeyId))).toEqual(new Set([apiKeyId]));
      expect(await store.list('somebody-else', { limit: 10 })).toEqual([]);
    });

    it('sums money exactly and leaves the unpriced out', async () => {
      const before = await store.sums();
      const slice = receipts.slice(172, 272);
      await store.insert(batchOf(slice, 0, next()));
      const after = await store.sums();

      const wanted = slice.reduce((sum, receipt) => sum + BigInt(receipt.costPicoUsd ?? '0'), 0n);
      expect(toPico(after.costUsd) - toPico(before.costUsd)).toBe(wanted);
    });

    it('says when a row can never be stored, and stores nothing of it', async () => {
      const receipt = receipts[272] as Receipt;
      const broken = { ...receipt, costPicoUsd: '1000000000000000000' };
      const before = await count();

      await expect(store.insert(batchOf([broken], 0, next()))).rejects.toMatchObject({ code: 'event_undecodable' });

      expect(await count()).toBe(before);
      expect(await store.lastOffset(partition)).toBeNull();
    });

    it('takes text that is no proper Unicode', async () => {
      const receipt = { ...(receipts[273] as Receipt), tags: { broken: `a\ud800b'"\\\n` } };
      await store.insert(batchOf([receipt], 0, next()));

      expect((await store.find(receipt.tenantId, receipt.receiptId))?.receiptId).toBe(receipt.receiptId);
    });
  });
}

function toPico(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole) * 10n ** 12n + BigInt(fraction.padEnd(12, '0'));
}
