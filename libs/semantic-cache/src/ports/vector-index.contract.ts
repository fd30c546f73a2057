import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CachePoint, VectorIndex } from './vector-index.js';

const NOW = 1_790_000_000_000;
const DIMENSIONS = 256;

/** Deterministic unit vector. */
export function unitVector(seed: number): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  let state = seed * 2_654_435_761 + 1;
  let squares = 0;
  for (let k = 0; k < DIMENSIONS; k++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    vector[k] = state / 2 ** 31 - 1;
    squares += (vector[k] ?? 0) ** 2;
  }
  return vector.map((x) => x / Math.sqrt(squares));
}

export function near(seed: number, other: number, weight: number): Float32Array {
  const [a, b] = [unitVector(seed), unitVector(other)];
  const mixed = a.map((x, k) => x + weight * (b[k] ?? 0));
  const length = Math.hypot(...mixed);
  return mixed.map((x) => x / length);
}

export function cachePoint(n: number, change: Partial<CachePoint> = {}): CachePoint {
  return {
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    scope: 'scope-a',
    tenantId: 'tenant-a',
    epoch: 1,
    storedAtMs: NOW,
    expiresAtMs: NOW + 3_600_000,
    receiptId: `receipt-${n}`,
    vector: unitVector(n),
    sealed: Buffer.from(`answer ${n}`).toString('base64'),
    keyId: 'tenant-a/1',
    ...change,
  };
}

/** What every vector index must do. */
export function vectorIndexContract(name: string, open: () => Promise<VectorIndex>): void {
  describe(`a vector index (${name})`, () => {
    let index: VectorIndex;
    beforeEach(async () => {
      index = await open();
    });
    afterEach(() => index.close());

    it('gives back what was put in, by id', async () => {
      await index.upsert([cachePoint(1), cachePoint(2, { vector: null })]);

      const found = await index.get(cachePoint(1).id, NOW);
      const bare = await index.get(cachePoint(2).id, NOW);

      const { vector: _, ...rest } = cachePoint(1);
      expect(found).toMatchObject(rest);
      expect(bare).toMatchObject({ receiptId: 'receipt-2' });
      expect(await index.get(cachePoint(3).id, NOW)).toBeNull();
      expect(await index.count()).toBe(2);
    });

    it('finds the nearest of a scope first and nothing of another scope', async () => {
      await index.upsert([
        cachePoint(1),
        cachePoint(2),
        cachePoint(3),
        cachePoint(4, { scope: 'scope-b', vector: near(1, 9, 0.01) }),
      ]);

      const found = await index.nearest('scope-a', near(1, 9, 0.1), 2, NOW);

      expect(found.map(({ point }) => point.receiptId)).toEqual(['receipt-1', found[1]?.point.receiptId]);
      expect(found[0]?.similarity).toBeGreaterThan(0.99);
      expect(found[0]?.point.sealed).toBe(cachePoint(1).sealed);
      expect(found.every(({ point }) => point.scope === 'scope-a')).toBe(true);
      expect(await index.nearest('scope-c', unitVector(1), 5, NOW)).toEqual([]);
    });

    it('keeps entries without a vector out of the search by meaning', async () => {
      await index.upsert([cachePoint(1, { vector: null })]);

      expect(await index.nearest('scope-a', unitVector(1), 5, NOW)).toEqual([]);
    });

    it('leaves out the expired, by id and by meaning, and removes them', async () => {
      await index.upsert([cachePoint(1, { expiresAtMs: NOW + 1_000 }), cachePoint(2)]);

      expect(await index.get(cachePoint(1).id, NOW + 1_000)).toBeNull();
      expect(await index.nearest('scope-a', unitVector(1), 1, NOW + 1_000)).toMatchObject([
        { point: { receiptId: 'receipt-2' } },
      ]);
      await index.removeExpired(NOW + 2_000);
      expect(await index.count()).toBe(1);
    });

    it('replaces an entry by id, keeps the later one and takes the same again', async () => {
      await index.upsert([cachePoint(1, { storedAtMs: NOW + 5, receiptId: 'later', scope: 'scope-z' })]);
      await index.upsert([cachePoint(1, { receiptId: 'earlier' })]);
      await index.upsert([cachePoint(1, { storedAtMs: NOW + 5, receiptId: 'later', scope: 'scope-z' })]);

      expect(await index.get(cachePoint(1).id, NOW)).toMatchObject({ receiptId: 'later' });
      expect(await index.nearest('scope-a', unitVector(1), 5, NOW)).toEqual([]);
      expect(await index.count()).toBe(1);
    });

    it('keeps the later of two of one id in one batch', async () => {
      await index.upsert([
        cachePoint(1, { storedAtMs: NOW + 5, receiptId: 'later' }),
        cachePoint(1, { receiptId: 'earlier' }),
      ]);

      expect(await index.get(cachePoint(1).id, NOW)).toMatchObject({ receiptId: 'later' });
    });

    it('removes by receipt, by scope, by tenant, and nothing without a filter', async () => {
      await index.upsert([
        cachePoint(1),
        cachePoint(2, { scope: 'scope-b' }),
        cachePoint(3, { tenantId: 'tenant-b', scope: 'scope-c' }),
        cachePoint(4),
      ]);

      await index.remove({});
      expect(await index.count()).toBe(4);
      await index.remove({ tenantId: 'tenant-b', receiptId: 'receipt-1' });
      expect(await index.count()).toBe(4);
      await index.remove({ tenantId: 'tenant-a', receiptId: 'receipt-1' });
      expect(await index.get(cachePoint(1).id, NOW)).toBeNull();
      await index.remove({ tenantId: 'tenant-a', scope: 'scope-b' });
      expect(await index.count()).toBe(2);
      await index.remove({ tenantId: 'tenant-b' });
      expect(await index.nearest('scope-a', unitVector(4), 5, NOW)).toMatchObject([
        { point: { receiptId: 'receipt-4' } },
      ]);
      expect(await index.count()).toBe(1);
    });

    it('finds every near-duplicate among 600 of one scope, a third of them expired', async () => {
      const points = Array.from({ length: 600 }, (_, n) =>
        cachePoint(n, { expiresAtMs: n % 3 === 0 ? NOW - 1 : NOW + 1_000 }),
      );
      await index.upsert(points);

      let found = 0;
      for (let n = 0; n < 600; n += 7) {
        const [first] = await index.nearest('scope-a', near(n, 1_000 + n, 0.3), 1, NOW);
        if (n % 3 === 0 ? first?.point.receiptId !== `receipt-${n}` : first?.point.receiptId === `receipt-${n}`)
          found++;
      }

      expect(found).toBe(86);
    });

    it('answers pings and flushes', async () => {
      await expect(index.ping()).resolves.toBeUndefined();
      await expect(index.flush()).resolves.toBeUndefined();
    });
  });
}
