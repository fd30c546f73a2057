import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 40_000;

export const CLIENT_KEY = 'nm_CLIENTSECRET_0123456789abcdef0123456789';
export const ADMIN_TOKEN = 'admin-CLIENTSECRET-0123456789abcdef01234567';
export const SQL_PASSWORD = 'sql-0123456789abcdef';

export interface GatewayOptions {
  /** Text of `nextmodel.yaml`. */
  readonly configuration: string;
  /** Text of `prices.yaml`; the configuration then reads it. */
  readonly prices?: string;
  /** The whole product (SQL engine, ingester, supervisor) instead of one gateway process. */
  readonly whole?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node for the started process. */
  readonly nodeFlags?: readonly string[];
  /** Default: a new one, removed at the end. */
  readonly directory?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** It ended before it took requests. */
export class EndedWhileStarting extends Error {
  readonly exit: Exit;

  constructor(exit: Exit, output: string) {
    super(`the gateway ended while starting (${exit.signal ?? exit.code}): ${output.slice(-2_000)}`);
    this.exit = exit;
  }
}

/** The built product as a process (group) of its own. It dies with the process that started it, however that ends. */
export class GatewayProcess {
  readonly ended: Promise<Exit>;
  #exit: Exit | null = null;
  #output = '';

  readonly directory: string;
  readonly port: number;
  readonly sqlPort: number;
  readonly #child: ChildProcess;
  readonly #ownsDirectory: boolean;

  constructor(
    child: ChildProcess,
    directory: string,
    ports: { readonly http: number; readonly sql: number },
    ownsDirectory: boolean,
  ) {
    this.#child = child;
    this.directory = directory;
    this.port = ports.http;
    this.sqlPort = ports.sql;
    this.#ownsDirectory = ownsDirectory;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-200_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        groups.delete(this.pid);
        dismiss();
        resolve(this.#exit);
      });
    });
    groups.add(this.pid);
    const dismiss = guardGroup(this.pid);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get exit(): Exit | null {
    return this.#exit;
  }

  /** Standard output and error, the last 200 kB. */
  get output(): string {
    return this.#output;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get baseUrl(): string {
    return `${this.origin}/v1`;
  }

  /** @throws EndedWhileStarting, or Error with the output when it does not get ready. */
  async ready(): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX;
    for (;;) {
      if (this.#exit !== null) throw new EndedWhileStarting(this.#exit, this.#output);
      const ok = await fetch(`${this.origin}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (ok) return;
      if (performance.now() > deadline) throw new Error(`the gateway is not ready: ${this.#output.slice(-2_000)}`);
      await sleep(15);
    }
  }

  kill(): void {
    killGroup(this.pid);
  }

  async stop(): Promise<Exit> {
    if (this.#exit === null) this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), STOP_MS_MAX);
    const exit = await this.ended;
    clearTimeout(timer);
    return exit;
  }

  async close(): Promise<void> {
    this.kill();
    await this.ended;
    if (this.#ownsDirectory) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Resident memory in bytes and open file descriptors of the process; zero where there is no /proc. */
  usage(): { readonly rssBytes: number; readonly descriptors: number } {
    try {
      const pages = Number(readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ')[1]);
      return { rssBytes: pages * 4_096, descriptors: readdirSync(`/proc/${this.pid}/fd`).length };
    } catch {
      return { rssBytes: 0, descriptors: 0 };
    }
  }
}

/** @throws EndedWhileStarting, or Error with the output when it does not get ready. */
export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const gateway = await spawnGateway(options);
  try {
    await gateway.ready();
    return gateway;
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

/** Starts a process and does not wait until it is ready. */
export async function spawnGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'nextmodel-reliability-'));
  const pricing = options.prices === undefined ? '' : 'prices: { files: [ ./prices.yaml ], unpriced: allow }\n';
  if (options.prices !== undefined) writeFileSync(join(directory, 'prices.yaml'), options.prices);
  writeFileSync(join(directory, 'nextmodel.yaml'), options.configuration + pricing);
  const [port, sqlPort] = await Promise.all([freePort(), freePort()]);
  const script =
    options.whole === true ? [join(ROOT, 'bin/nextmodel.mjs'), 'start'] : [join(ROOT, 'dist/apps/gateway/src/main.js')];
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(NEXTMODEL_|FAILPOINT|VITEST|NODE_ENV|NODE_OPTIONS|.*_API_KEY$)/.test(name),
  );
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), ...script], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      NODE_ENV: 'production',
      NEXTMODEL_DATA_DIR: join(directory, 'data'),
      NEXTMODEL_PORT: String(port),
      NEXTMODEL_SQL_PORT: String(sqlPort),
      NEXTMODEL_API_KEY: CLIENT_KEY,
      NEXTMODEL_ADMIN_TOKEN: ADMIN_TOKEN,
      NEXTMODEL_SQL_PASSWORD: SQL_PASSWORD,
      NEXTMODEL_LOG_LEVEL: 'warn',
      ...options.env,
    },
  });
  return new GatewayProcess(child, directory, { http: port, sql: sqlPort }, options.directory === undefined);
}

/** Process groups that must not outlive this process. */
const groups = new Set<number>();
process.on('exit', () => {
  for (const group of groups) killGroup(group);
});

/**
 * A group outlives a parent that a signal ends, and an `exit` handler does not run then. This shell notices by the end
 * of its input that the parent is gone, whatever ended it. @returns sends it away.
 */
function guardGroup(group: number): () => void {
  const guard = spawn('sh', ['-c', `read -r _; kill -KILL -- -${group}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  (guard.stdin as Socket).unref();
  return () => void guard.kill('SIGKILL');
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}
