import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import {
  freeRedisPort,
  redisBinary,
  startRedis,
  stopRedisServers,
} from '../../../../../tools/redis-server/start-redis.js';
import { describeLimitStore } from '../../ports/limit-store.contract.js';
import type { LimitStore } from '../../ports/limit-store.js';
import { RedisLimitStore } from './redis-limit-store.js';

async function openStore(port: number): Promise<LimitStore> {
  const store = new RedisLimitStore(`redis://127.0.0.1:${port}`);
  await store.connect();
  return store;
}

afterAll(stopRedisServers);

if (redisBinary === undefined) {
  describe('limit store: Redis', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  describeLimitStore('Redis', async () => {
    const port = await freeRedisPort();
    await startRedis(port);
    return openStore(port);
  });

  describe('limit store: Redis that goes away', () => {
    it('rejects with store_unavailable at once, and works again when the server is back', async () => {
      const port = await freeRedisPort();
      const server = await startRedis(port);
      const store = await openStore(port);
      const take = async (): Promise<boolean> => (await store.take('k', 1, 10, 60_000, Date.now())).allowed;

      const before = await take();
      server.kill();
      await once(server, 'exit');
      const began = Date.now();
      await expect(take()).rejects.toMatchObject({ code: 'store_unavailable' });
      const tookMs = Date.now() - began;
      await startRedis(port);
      await expect.poll(() => take().catch(() => false), { timeout: 10_000 }).toBe(true);

      expect(before).toBe(true);
      expect(tookMs).toBeLessThan(500);
      await store.close();
    });
  });
}
