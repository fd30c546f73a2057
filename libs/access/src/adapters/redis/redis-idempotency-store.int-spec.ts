import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeIdempotencyStore } from '../../ports/idempotency-store.contract.js';
import { IDEMPOTENCY_BOUNDS, type IdempotencyBounds, type IdempotencyStore } from '../../ports/idempotency-store.js';
import { RedisIdempotencyStore } from './redis-idempotency-store.js';

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

async function openStore(port: number, bounds: IdempotencyBounds = IDEMPOTENCY_BOUNDS): Promise<IdempotencyStore> {
  const store = new RedisIdempotencyStore(`redis://127.0.0.1:${port}`, bounds);
  await store.connect();
  return store;
}

afterAll(() => {
  for (const server of servers) server.kill();
});

if (binary === undefined) {
  describe('idempotency store: Redis', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  let started: Promise<number> | null = null;
  const serverPort = (): Promise<number> =>
    (started ??= freePort().then(async (port) => {
      await startServer(port);
      return port;
    }));
  describeIdempotencyStore('Redis', async (bounds) => openStore(await serverPort(), bounds));

  describe('idempotency store: Redis that goes away', () => {
    it('rejects with store_unavailable, and works again when the server is back', async () => {
      const port = await freePort();
      const server = await startServer(port);
      const store = await openStore(port);
      const claim = async (): Promise<string> =>
        (await store.claim({ owner: 'o', id: 'i', fingerprint: 'f', holder: 'h' })).kind;

      const before = await claim();
      server.kill();
      await once(server, 'exit');
      await expect(claim()).rejects.toMatchObject({ code: 'store_unavailable' });
      await startServer(port);
      await expect.poll(() => claim().catch(() => 'away'), { timeout: 10_000 }).toBe('claimed');

      expect(before).toBe('claimed');
      await store.close();
    });
  });
}
