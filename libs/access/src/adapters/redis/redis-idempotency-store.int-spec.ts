import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import {
  freeRedisPort,
  redisBinary,
  startRedis,
  stopRedisServers,
} from '../../../../../tools/redis-server/start-redis.js';
import { describeIdempotencyStore } from '../../ports/idempotency-store.contract.js';
import { IDEMPOTENCY_BOUNDS, type IdempotencyBounds, type IdempotencyStore } from '../../ports/idempotency-store.js';
import { RedisIdempotencyStore } from './redis-idempotency-store.js';

async function openStore(port: number, bounds: IdempotencyBounds = IDEMPOTENCY_BOUNDS): Promise<IdempotencyStore> {
  const store = new RedisIdempotencyStore(`redis://127.0.0.1:${port}`, bounds);
  await store.connect();
  return store;
}

afterAll(stopRedisServers);

if (redisBinary === undefined) {
  describe('idempotency store: Redis', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  let started: Promise<number> | null = null;
  const serverPort = (): Promise<number> =>
    (started ??= freeRedisPort().then(async (port) => {
      await startRedis(port);
      return port;
    }));
  describeIdempotencyStore('Redis', async (bounds) => openStore(await serverPort(), bounds));

  describe('idempotency store: Redis that goes away', () => {
    it('rejects with store_unavailable, and works again when the server is back', async () => {
      const port = await freeRedisPort();
      const server = await startRedis(port);
      const store = await openStore(port);
      const claim = async (): Promise<string> =>
        (await store.claim({ owner: 'o', id: 'i', fingerprint: 'f', holder: 'h' })).kind;

      const before = await claim();
      server.kill();
      await once(server, 'exit');
      await expect(claim()).rejects.toMatchObject({ code: 'store_unavailable' });
      await startRedis(port);
      await expect.poll(() => claim().catch(() => 'away'), { timeout: 10_000 }).toBe('claimed');

      expect(before).toBe('claimed');
      await store.close();
    });
  });
}
