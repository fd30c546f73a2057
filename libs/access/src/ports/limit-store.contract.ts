import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LimitStore } from './limit-store.js';

const MINUTE = 60_000;

/** What every store of limits must do. @param open gives a store that knows none of the buckets used here. */
export function describeLimitStore(name: string, open: () => Promise<LimitStore>): void {
  describe(`limit store: ${name}`, () => {
    let store: LimitStore;
    const run = Math.random().toString(36).slice(2);
    const bucket = (label: string): string => `${run}:${label}`;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    it('gives what is there, then says when to come back', async () => {
      const now = Date.now();

      const first = await store.take(bucket('a'), 6, 10, MINUTE, now);
      const second = await store.take(bucket('a'), 6, 10, MINUTE, now);
      const third = await store.take(bucket('a'), 4, 10, MINUTE, now);

      expect(first).toEqual({ allowed: true, remaining: 4, retryAfterMs: 0 });
      expect(second).toEqual({ allowed: false, remaining: 4, retryAfterMs: 12_000 });
      expect(third).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0 });
    });

    it('refills evenly and never above the limit', async () => {
      const now = Date.now();
      await store.take(bucket('b'), 10, 10, MINUTE, now);

      const early = await store.take(bucket('b'), 1, 10, MINUTE, now + 5999);
      const onTime = await store.take(bucket('b'), 1, 10, MINUTE, now + 6001);
      const late = await store.take(bucket('b'), 0, 10, MINUTE, now + 10 * MINUTE);

      expect([early.allowed, onTime.allowed]).toEqual([false, true]);
      expect(early.retryAfterMs).toBe(1);
      expect(late.remaining).toBe(10);
    });

    it('takes nothing away when a clock goes back', async () => {
      const now = Date.now();
      await store.take(bucket('c'), 5, 10, MINUTE, now);

      const taken = await store.take(bucket('c'), 5, 10, MINUTE, now - 30_000);

      expect(taken).toMatchObject({ allowed: true, remaining: 0 });
    });

    it('refuses for a whole window what the bucket can never hold', async () => {
      const taken = await store.take(bucket('d'), 11, 10, MINUTE, Date.now());

      expect(taken).toEqual({ allowed: false, remaining: 10, retryAfterMs: MINUTE });
    });

    it('corrects estimates in both directions', async () => {
      const now = Date.now();
      await store.take(bucket('e'), 5, 10, MINUTE, now);

      await store.charge(bucket('e'), 8, 10, MINUTE, now);
      const below = await store.take(bucket('e'), 1, 10, MINUTE, now);
      await store.charge(bucket('e'), -100, 10, MINUTE, now);
      const full = await store.take(bucket('e'), 0, 10, MINUTE, now);

      expect(below).toEqual({ allowed: false, remaining: 0, retryAfterMs: 24_000 });
      expect(full.remaining).toBe(10);
    });

    it('lets no more in than the limit under a burst', async () => {
      const now = Date.now();

      const taken = await Promise.all(
        Array.from({ length: 50 }, async () => store.take(bucket('f'), 1, 20, MINUTE, now)),
      );

      expect(taken.filter(({ allowed }) => allowed)).toHaveLength(20);
    });

    it('holds places until they are left or their lease ends', async () => {
      const now = Date.now();
      const enter = async (holder: string, at: number): Promise<boolean> =>
        store.enter(bucket('g'), holder, 2, 1000, at);

      const full = [await enter('1', now), await enter('2', now), await enter('3', now)];
      const again = await enter('2', now);
      await store.leave(bucket('g'), '1');
      await store.leave(bucket('g'), '1');
      const afterLeave = [await enter('3', now), await enter('4', now)];
      const afterLease = await enter('5', now + 1001);

      expect(full).toEqual([true, true, false]);
      expect(again).toBe(true);
      expect(afterLeave).toEqual([true, false]);
      expect(afterLease).toBe(true);
    });

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
