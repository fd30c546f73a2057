import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BootOrder, BootReport } from '#gateway/boot/boot-order.js';
import { failpointVariables } from '#config/failpoint.module.js';
import { RouterError, type RouterErrorCode } from '#events/domain/router-error.js';
import type { IngesterChild } from './ingester-child.js';
import { stopChild } from '#gateway/boot/stop-child.js';
import type { Logger } from '#telemetry/ports/logger.js';

interface IngesterWish {
  readonly kind: 'pause-ingester' | 'resume-ingester';
}

const GATEWAY_ENTRY = fileURLToPath(new URL('../../gateway/src/main.js', import.meta.url));
/** Short pauses and little memory for what lives no longer than a request; the Dockerfile sets the same. */
const GATEWAY_FLAGS = ['--max-semi-space-size=8'];
const RESTART_MS = [200, 500, 1_000, 2_000, 5_000];
const STABLE_MS = 30_000;
/** Longer than the gateway's own drain. */
const STOP_MS = 35_000;

/** Runs one gateway process for a log partition and starts it again when it dies. */
export class GatewayChild {
  #child: ChildProcess | null = null;
  #stopping = false;
  #deaths = 0;
  #failpoint = failpointVariables();

  constructor(
    private readonly order: BootOrder,
    private readonly logger: Logger,
    private readonly ingester: IngesterChild | null,
  ) {}

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** @returns how many receipts were recovered. @throws RouterError when it cannot start at all. */
  async start(): Promise<number> {
    const report = await this.#spawn();
    if (report.kind === 'ready') return report.recoveredReceipts;
    throw new RouterError({ code: report.code as RouterErrorCode, publicMessage: report.message });
  }

  /** Gives up what it is still finishing after `stop`. */
  hurry(): void {
    this.#child?.kill('SIGTERM');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await stopChild(this.#child, STOP_MS);
  }

  #spawn(): Promise<BootReport> {
    const startedMs = Date.now();
    // No variable is handed on: the order has all settings, and a child's environment can be read by others.
    const child = fork(GATEWAY_ENTRY, [], {
      execArgv: GATEWAY_FLAGS,
      env: { NODE_ENV: 'production', ...this.#failpoint },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.#failpoint = {};
    return new Promise((resolve) => {
      let ready = false;
      child.on('message', (message) => {
        const { kind } = message as BootReport | IngesterWish;
        if (kind === 'pause-ingester' || kind === 'resume-ingester') {
          void this.#serveWish(child, kind);
          return;
        }
        const report = message as BootReport;
        ready = report.kind === 'ready';
        if (!ready) this.#stopping = this.#deaths === 0 || this.#stopping;
        resolve(report);
      });
      child.once('exit', (code, signal) => {
        resolve({ kind: 'failed', code: 'internal', message: `the gateway process ended (${signal ?? code})` });
        if (this.#stopping || !ready) return;
        this.#deaths = Date.now() - startedMs > STABLE_MS ? 0 : this.#deaths + 1;
        const waitMs = RESTART_MS[Math.min(this.#deaths, RESTART_MS.length) - 1] ?? 200;
        this.logger.error(
          { code, signal, partition: this.order.partition, waitMs },
          'the gateway process died; starting another',
        );
        setTimeout(() => void this.#again(), waitMs);
      });
      child.send(this.order);
    });
  }

  /** A replay of the receipts needs the tables for itself. */
  async #serveWish(child: ChildProcess, kind: IngesterWish['kind']): Promise<void> {
    if (kind === 'pause-ingester') await this.ingester?.stop();
    else this.ingester?.start();
    child.send({ kind: `${kind}-done` });
  }

  async #again(): Promise<void> {
    while (!this.#stopping) {
      const report = await this.#spawn();
      if (report.kind === 'ready') return;
      this.logger.error({ code: report.code, detail: report.message }, 'the gateway did not start again');
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS.at(-1)));
    }
  }
}
