import { afterAll, describe, expect, it } from 'vitest';
import {
  freeRedisPort,
  redisBinary,
  startRedis,
  stopRedisServers,
} from '../../../../../tools/redis-server/start-redis.js';
import { describeBudgetStore } from '../../ports/budget-store.contract.js';
import { RedisBudgetStore } from './redis-budget-store.js';

afterAll(stopRedisServers);

async function openStore(port: number): Promise<RedisBudgetStore> {
  const store = new RedisBudgetStore(`redis://127.0.0.1:${port}`);
  await store.connect();
  return store;
}

if (redisBinary === undefined) {
  describe('budget store: Redis', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  describeBudgetStore('Redis', async () => {
    const port = await freeRedisPort();
    await startRedis(port);
    return openStore(port);
  });

  describe('budget store: two gateways on one Redis', () => {
    it('lets ten of 200 pass, a hundred from each, when there is room for ten', async () => {
      const port = await freeRedisPort();
      await startRedis(port);
      const stores = await Promise.all([openStore(port), openStore(port)]);
      const ask = { budgetPicoUsd: 1_000n, grossPicoUsd: 0n, creditPicoUsd: 0n, askedPicoUsd: 100n, leaseMs: 60_000 };

      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, n) => stores[n % 2]?.hold('k', `r${n}`, ask, Date.now())),
      );
      const passed = [...answers.entries()].filter(([, answer]) => answer?.held === true).map(([n]) => n);
      await Promise.all(passed.map((n) => stores[n % 2]?.settle('k', `r${n}`, 40n)));
      const left = await stores[0]?.hold('k', 'later', { ...ask, askedPicoUsd: 0n }, Date.now());

      expect(passed).toHaveLength(10);
      expect(left).toEqual({ held: true, leftPicoUsd: 600n });
      await Promise.all(stores.map((store) => store.close()));
    });
  });
}
