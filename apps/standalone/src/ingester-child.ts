import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DataDirectory } from '#config/config.module.js';
import { failpointVariables } from '#config/failpoint.module.js';
import type { Settings } from '#config/domain/settings.js';
import { stopChild } from '#gateway/boot/stop-child.js';
import type { Logger } from '#telemetry/ports/logger.js';

const INGESTER_ENTRY = fileURLToPath(new URL('../../receipt-ingester/src/main.js', import.meta.url));
/** A batch lives for milliseconds; a large young heap would only keep the memory of the busiest moment. */
const INGESTER_FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=100'];
const RESTART_MS = 1_000;
const STOP_MS = 10_000;

/** What the ingester is told over IPC. Holds secrets. */
export interface IngesterOrder {
  readonly settings: Settings;
  readonly directory: Pick<DataDirectory, 'log' | 'clickhouse'>;
  readonly sql: { readonly url: string; readonly username: string; readonly password: string };
}

/** Runs the ingester in a process of its own; a death costs nothing but a second. */
export class IngesterChild {
  #child: ChildProcess | null = null;
  #stopping = false;
  #failpoint = failpointVariables();

  constructor(
    private readonly order: IngesterOrder,
    private readonly logger: Logger,
  ) {}

  /** Also starts it again after `stop`. */
  start(): void {
    this.#stopping = false;
    const child = fork(INGESTER_ENTRY, [], {
      execArgv: INGESTER_FLAGS,
      env: { NODE_ENV: 'production', ...this.#failpoint },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.#failpoint = {};
    const { settings, sql } = this.order;
    const { log, clickhouse } = this.order.directory;
    child.send({ kind: 'ingest', settings, logDirectory: log, clickhouseDirectory: clickhouse, sql });
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      this.logger.error({ code, signal }, 'the receipt ingester died; starting another');
      setTimeout(() => {
        if (!this.#stopping) this.start();
      }, RESTART_MS);
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await stopChild(this.#child, STOP_MS);
  }
}
