import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeLimitStore } from '../../ports/limit-store.contract.js';
import type { LimitStore } from '../../ports/limit-store.js';
import { RedisLimitStore } from './redis-limit-store.js';

const binary = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);
const servers: ChildProcess[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startServer(port: number): Promise<ChildProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'nextmodel-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  const server = spawn(binary ?? '', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  servers.push(server);
  let output = '';
  for await (const chunk of server.stdout) {
    output += String(chunk);
    if (/Ready to accept connections/i.test(output)) break;
  }
  server.stdout.resume();
  return server;
}

async function openStore(port: number): Promise<LimitStore> {
  const store = new RedisLimitStore(`redis://127.0.0.1:${port}`);
  await store.connect();
  return store;
}

afterAll(() => {
  for (const server of servers) server.kill();
});

if (binary === undefined) {
  describe('limit store: Redis', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  describeLimitStore('Redis', async () => {
    const port = await freePort();
    await startServer(port);
    return openStore(port);
  });

  describe('limit store: Redis that goes away', () => {
    it('rejects with store_unavailable at once, and works again when the server is back', async () => {
      const port = await freePort();
      const server = await startServer(port);
      const store = await openStore(port);
      const take = async (): Promise<boolean> => (await store.take('k', 1, 10, 60_000, Date.now())).allowed;

      const before = await take();
      server.kill();
      await once(server, 'exit');
      const began = Date.now();
      await expect(take()).rejects.toMatchObject({ code: 'store_unavailable' });
      const tookMs = Date.now() - began;
      await startServer(port);
      await expect.poll(() => take().catch(() => false), { timeout: 10_000 }).toBe(true);

      expect(before).toBe(true);
      expect(tookMs).toBeLessThan(500);
      await store.close();
    });
  });
}
