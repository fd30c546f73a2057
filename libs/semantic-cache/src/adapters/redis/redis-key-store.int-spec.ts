import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import {
  freeRedisPort,
  redisBinary,
  startRedis,
  stopRedisServers,
} from '../../../../../tools/redis-server/start-redis.js';
import { subjectKey, subjectKeyStoreContract } from '../../ports/subject-key-store.contract.js';
import { RedisKeyStore } from './redis-key-store.js';

async function openStore(port: number): Promise<RedisKeyStore> {
  const store = new RedisKeyStore(`redis://127.0.0.1:${port}`);
  await store.connect();
  return store;
}

afterAll(stopRedisServers);

if (redisBinary === undefined) {
  describe('a store of subject keys (Redis)', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  subjectKeyStoreContract('Redis', async () => {
    const port = await freeRedisPort();
    await startRedis(port);
    return openStore(port);
  });

  describe('a store of subject keys in a Redis that is away', () => {
    it('keeps new keys, but those erased meanwhile, and hands them over when the server is back', async () => {
      const port = await freeRedisPort();
      const store = await openStore(port);

      await expect(store.put(subjectKey('acme:a', 1))).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.put(subjectKey('acme:b', 2))).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.erase('acme:b', Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({ code: 'store_unavailable' });
      await startRedis(port);
      const other = await openStore(port);

      await expect
        .poll(async () => (await other.get('acme:a/2.1').catch(() => null))?.keyId, { timeout: 15_000 })
        .toBe('acme:a/2.1');
      expect(await other.get('acme:b/2.2')).toBeNull();
      await store.close();
      await other.close();
    });

    it('hands over again what a server has forgotten that comes back empty, but for what was erased', async () => {
      const port = await freeRedisPort();
      const server = await startRedis(port);
      const store = await openStore(port);
      await store.put(subjectKey('acme:a', 1));
      await store.put(subjectKey('acme:b', 2));
      await store.erase('acme:b', Number.MAX_SAFE_INTEGER);

      server.kill('SIGKILL');
      await once(server, 'exit');
      await startRedis(port);
      const other = await openStore(port);

      await expect
        .poll(async () => (await other.get('acme:a/2.1').catch(() => null))?.keyId, { timeout: 15_000 })
        .toBe('acme:a/2.1');
      expect(await other.get('acme:b/2.2')).toBeNull();
      await store.close();
      await other.close();
    });
  });
}
