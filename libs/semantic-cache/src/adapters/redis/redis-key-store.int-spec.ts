import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { subjectKey, subjectKeyStoreContract } from '../../ports/subject-key-store.contract.js';
import { RedisKeyStore } from './redis-key-store.js';

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

async function openStore(port: number): Promise<RedisKeyStore> {
  const store = new RedisKeyStore(`redis://127.0.0.1:${port}`);
  await store.connect();
  return store;
}

afterAll(() => {
  for (const server of servers) server.kill();
});

if (binary === undefined) {
  describe('a store of subject keys (Redis)', () => {
    it.skip('no redis-server or valkey-server on this machine', () => {});
  });
} else {
  subjectKeyStoreContract('Redis', async () => {
    const port = await freePort();
    await startServer(port);
    return openStore(port);
  });

  describe('a store of subject keys in a Redis that is away', () => {
    it('keeps new keys, but those erased meanwhile, and hands them over when the server is back', async () => {
      const port = await freePort();
      const store = await openStore(port);

      await expect(store.put(subjectKey('acme:a', 1))).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.put(subjectKey('acme:b', 2))).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.erase('acme:b', Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({ code: 'store_unavailable' });
      await startServer(port);
      const other = await openStore(port);

      await expect
        .poll(async () => (await other.get('acme:a/2.1').catch(() => null))?.keyId, { timeout: 15_000 })
        .toBe('acme:a/2.1');
      expect(await other.get('acme:b/2.2')).toBeNull();
      await store.close();
      await other.close();
    });

    it('hands over again what a server has forgotten that comes back empty, but for what was erased', async () => {
      const port = await freePort();
      const server = await startServer(port);
      const store = await openStore(port);
      await store.put(subjectKey('acme:a', 1));
      await store.put(subjectKey('acme:b', 2));
      await store.erase('acme:b', Number.MAX_SAFE_INTEGER);

      server.kill('SIGKILL');
      await once(server, 'exit');
      await startServer(port);
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
