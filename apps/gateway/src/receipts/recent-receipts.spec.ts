import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '#events/domain/receipt.js';
import { RecentReceipts } from './recent-receipts.js';

const text = (receiptId: string, over: Partial<Receipt> = {}): string =>
  JSON.stringify({ receiptId, tenantId: 'acme', apiKeyId: 'k1', ...over, note: 'ä'.repeat(20) });

describe('RecentReceipts', () => {
  it('gives a receipt to its own tenant and to nobody else', () => {
    const recent = new RecentReceipts(4_096);
    recent.add('r1', text('r1'));

    expect(recent.find('acme', 'r1')?.receiptId).toBe('r1');
    expect(recent.find('other', 'r1')).toBeNull();
    expect(recent.find('acme', 'r2')).toBeNull();
  });

  it('forgets the oldest when it is full, and what is left stays whole', () => {
    const recent = new RecentReceipts(1_000);
    const ids = Array.from({ length: 57 }, (_, n) => `r${n}`);

    for (const id of ids) recent.add(id, text(id, { requestedModel: 'm'.repeat(id.length * 7) }));

    const kept = ids.filter((id) => recent.find('acme', id) !== null);
    expect(kept.length).toBeGreaterThan(3);
    expect(kept.at(-1)).toBe('r56');
    for (const id of kept) expect(recent.find('acme', id)?.receiptId).toBe(id);
    expect(recent.find('acme', 'r0')).toBeNull();
  });

  it('never gives another receipt or a broken one, whatever their sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 200 }), (sizes) => {
        const recent = new RecentReceipts(1_000);
        for (const [n, size] of sizes.entries()) {
          recent.add(`r${n}`, text(`r${n}`, { requestedModel: 'm'.repeat(size) }));
          for (let m = 0; m <= n; m += 1)
            expect([undefined, `r${m}`]).toContain(recent.find('acme', `r${m}`)?.receiptId);
          expect(recent.list('acme', 'k1', 1)[0]?.receiptId).toBe(`r${n}`);
        }
      }),
    );
  });

  it('lists the newest first, of one key only', () => {
    const recent = new RecentReceipts(4_096);
    recent.add('a', text('a'));
    recent.add('b', text('b', { apiKeyId: 'k2' }));
    recent.add('c', text('c'));

    expect(recent.list('acme', 'k1', 10).map((receipt) => receipt.receiptId)).toEqual(['c', 'a']);
  });
});
