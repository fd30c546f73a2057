// Real Redis or Valkey servers for tests: on loopback, without persistence, so that a restart comes back empty.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const servers: ChildProcess[] = [];

/** The server this machine has; `undefined` = none, and tests that need one are skipped by name. */
export const redisBinary = ['redis-server', 'valkey-server'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

/** A port for {@link startRedis}, which stays the same over restarts. */
export async function freeRedisPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when the server takes connections. End it by a signal, or all of them by {@link stopRedisServers}. */
export async function startRedis(port: number): Promise<ChildProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'nextmodel-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  const server = spawn(redisBinary ?? '', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  servers.push(server);
  let output = '';
  for await (const chunk of server.stdout) {
    output += String(chunk);
    if (/Ready to accept connections/i.test(output)) break;
  }
  server.stdout.resume();
  return server;
}

export function stopRedisServers(): void {
  for (const server of servers.splice(0)) server.kill();
}
