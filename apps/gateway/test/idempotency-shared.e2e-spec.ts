import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisBinary, startRedis, stopRedisServers } from '../../../tools/redis-server/start-redis.js';
import {
  eventually,
  freePort,
  startProduct,
  type ChatAnswer,
  type Product,
} from '../../standalone/test/start-product.js';

if (redisBinary === undefined) {
  describe('Idempotency-Key over Redis', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  describe('Idempotency-Key over Redis', () => {
    let redis: Redis;
    let product: Product;
    beforeAll(async () => {
      const port = await freePort();
      await startRedis(port);
      redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50, maxRetriesPerRequest: null });
      redis.on('error', () => undefined);
      await redis.ping();
      const url = `redis://127.0.0.1:${port}`;
      product = await startProduct({ env: { NEXTMODEL_REDIS_URL: url, NEXTMODEL_WORKERS: '2' } });
    });
    afterAll(async () => {
      redis?.disconnect();
      await product?.close();
      stopRedisServers();
    });

    const ask = (name: string, text: string, model = 'large'): Promise<ChatAnswer> =>
      product.chat(model, text, {
        headers: { 'idempotency-key': name, 'x-nextmodel-cache': 'no-cache, no-store', connection: 'close' },
        body: { user: 'ada' },
      });
    const calls = (text: string): number => product.alpha.calls.filter((call) => call.text === text).length;

    it('answers from any worker, also after all of them were killed; frees what they left; shows nobody the text', async () => {
      const first = await ask('shared', 'a secret matter');
      const again = await Promise.all(Array.from({ length: 6 }, () => ask('shared', 'a secret matter')));
      const running = ask('halfway', 'killed halfway', 'a/hang').catch(() => null);
      await eventually(() => calls('killed halfway') === 1);

      await product.stop('SIGKILL');
      await running;
      const names = await redis.keys('*');
      const hashes = names.filter((name) => name.includes(':name:'));
      const held = JSON.stringify([names, await Promise.all(hashes.map((name) => redis.hgetall(name)))]);
      await product.start();
      const afterwards = await ask('shared', 'a secret matter');
      const freed = await eventually(async () => {
        const answer = await ask('halfway', 'killed halfway', 'a/hang');
        return answer.status !== 409 && answer;
      }, 40_000);

      expect(again.map((answer) => answer.text)).toEqual(Array.from({ length: 6 }, () => first.text));
      expect([afterwards.text, afterwards.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
      expect(calls('a secret matter')).toBe(1);
      expect(hashes.length).toBeGreaterThan(0);
      expect(held).not.toMatch(/secret matter|shared"|halfway/);
      expect(freed.status).toBe(504);

      await product.cli('erase', '--user', 'ada');
      const erased = await eventually(async () => {
        const answer = await ask('shared', 'a secret matter');
        return answer.headers.get('idempotent-replayed') === null && answer;
      });
      expect([erased.status, calls('a secret matter')]).toEqual([200, 2]);
    });
  });
}
