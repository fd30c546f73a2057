import { fork, type ChildProcess } from 'node:child_process';
import { RouterError } from '#events/domain/router-error.js';
import { childEntry } from './child-entry.js';
import type { EngineFailure, EngineMessage, StartMessage } from './engine-messages.js';

export interface SqlEngineOptions {
  /** The folder `clickhouse` of the data directory; made when missing. */
  readonly dataDir: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly host: string;
  /** Of the read-only user `audit`. */
  readonly auditPassword: string;
  /** Of the user `ingest`, who may do anything. Make a new one at every start and keep it in memory. */
  readonly ingestPassword: string;
  /** Called whenever the child has gone; `willRestart` says whether another one is coming. */
  readonly onExit?: (exit: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly willRestart: boolean;
  }) => void;
}

/**
 * `starting` → `ready`; `restarting` after a death; for good: `stopped`, `unavailable` (the engine is not
 * installed on this platform), `failed` (data folder).
 */
export type SqlEngineState = 'starting' | 'ready' | 'restarting' | 'unavailable' | 'failed' | 'stopped';

export interface SqlEngine {
  /** For `@clickhouse/client`, `curl` and BI tools. */
  readonly url: string;
  /**
   * Resolves when queries are answered. Rejects with `store_unavailable` when the engine is not installed or
   * its folder cannot be opened; requests can be served without it, receipts wait in the log.
   */
  readonly ready: Promise<void>;
  readonly state: SqlEngineState;
  /** Version of ClickHouse; `null` before it is ready. */
  readonly version: string | null;
  readonly pid: number | null;
  /** Ends the child within 2 s. */
  stop(): Promise<void>;
}

/** What a further try cannot change; a port or a folder may be given back by a dying predecessor. */
const FOR_GOOD: ReadonlySet<EngineFailure> = new Set(['unavailable', 'data_folder']);
const BACKOFF_MS = [100, 250, 500, 1_000, 2_000, 5_000];
const STABLE_MS = 30_000;
const STOP_MS = 2_000;

/**
 * Starts embedded ClickHouse in a child process and keeps it running: a heavy query or a crash of the engine cannot
 * touch this process. Resolves as soon as the port is bound, some hundred milliseconds before `ready`.
 * @throws RouterError `port_in_use`.
 */
export async function startSqlEngine(options: SqlEngineOptions): Promise<SqlEngine> {
  const supervisor = new SqlEngineSupervisor(options);
  await supervisor.start();
  return supervisor;
}

class SqlEngineSupervisor implements SqlEngine {
  readonly ready: Promise<void>;
  state: SqlEngineState = 'starting';
  version: string | null = null;
  readonly #options: SqlEngineOptions;
  #port: number;
  #child: ChildProcess | null = null;
  #restarts = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #isReady = Promise.withResolvers<void>();
  readonly #isListening = Promise.withResolvers<void>();

  constructor(options: SqlEngineOptions) {
    this.#options = options;
    this.#port = options.port;
    this.ready = this.#isReady.promise;
    this.ready.catch(() => {});
    this.#isListening.promise.catch(() => {});
  }

  get url(): string {
    const host = this.#options.host.includes(':') ? `[${this.#options.host}]` : this.#options.host;
    return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${this.#port}`;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): Promise<void> {
    this.#spawn();
    return this.#isListening.promise;
  }

  #spawn(): void {
    const entry = childEntry();
    const startedAt = performance.now();
    // an environment of its own: no key of a provider is ever in the engine's reach
    const child = fork(entry.path, [], {
      execArgv: [...entry.execArgv],
      env: { UV_THREADPOOL_SIZE: '8', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.resume();
    child.on('message', (message) => this.#onMessage(message as EngineMessage));
    child.on('error', () => {});
    child.once('exit', (code, signal) => this.#onExit(code, signal, performance.now() - startedAt));
    const { dataDir, host, auditPassword, ingestPassword } = this.#options;
    const message: StartMessage = { kind: 'start', dataDir, host, port: this.#port, auditPassword, ingestPassword };
    child.send(message, () => {});
  }

  #onMessage(message: EngineMessage): void {
    if (message.kind === 'listening') {
      this.#port = message.port;
      this.#isListening.resolve();
    } else if (message.kind === 'ready') {
      this.version = message.version;
      if (this.state !== 'stopped') this.state = 'ready';
      this.#isReady.resolve();
    } else if (this.state === 'starting' || FOR_GOOD.has(message.reason)) this.#giveUp(message.reason, message.detail);
  }

  #giveUp(reason: EngineFailure, detail: string): void {
    this.state = reason === 'unavailable' ? 'unavailable' : 'failed';
    const error = failure(reason, detail, this.#options);
    this.#isListening.reject(error);
    this.#isReady.reject(error);
  }

  #onExit(code: number | null, signal: string | null, livedMs: number): void {
    this.#child = null;
    const willRestart = this.state === 'ready' || this.state === 'starting' || this.state === 'restarting';
    if (willRestart) {
      this.state = 'restarting';
      this.#restarts = livedMs > STABLE_MS ? 0 : this.#restarts + 1;
      const wait = BACKOFF_MS[Math.min(this.#restarts, BACKOFF_MS.length - 1)] ?? 0;
      this.#timer = setTimeout(() => this.#spawn(), wait);
    }
    this.#options.onExit?.({ code, signal, willRestart });
  }

  async stop(): Promise<void> {
    this.state = 'stopped';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#isReady.reject(failure('unavailable', 'stopped before it was ready', this.#options));
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }
}

function failure(reason: EngineFailure, detail: string, options: SqlEngineOptions): RouterError {
  if (reason === 'port_in_use') {
    return new RouterError({
      code: 'port_in_use',
      publicMessage: `The SQL port ${options.port} is in use. Set NEXTMODEL_SQL_PORT to another one.`,
    });
  }
  if (reason === 'locked') {
    return new RouterError({
      code: 'data_directory_owned',
      publicMessage: `Another SQL engine uses ${options.dataDir}. Stop it first.`,
    });
  }
  const publicMessage =
    reason === 'unavailable'
      ? 'The embedded SQL engine (npm package chdb) is not available here. Requests are served and receipts wait ' +
        'in the log; set NEXTMODEL_CLICKHOUSE_URL to use a ClickHouse server.'
      : `The SQL data folder ${options.dataDir} cannot be opened. It holds only a view of the log: ` +
        'delete it, then run `nextmodel replay receipts`.';
  return new RouterError({ code: 'store_unavailable', publicMessage, detail: `${publicMessage} (${detail})` });
}
