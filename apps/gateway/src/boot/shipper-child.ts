import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { failpointVariables } from '#config/failpoint.module.js';
import { stopChild } from './stop-child.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { DependencyState } from '../readiness.js';

const ENTRY = fileURLToPath(new URL('../shipper-main.js', import.meta.url));
const RESTART_MS = 1_000;
const STOP_MS = 15_000;

/** What the shipper process is told over IPC. */
export interface ShipperOrder {
  readonly kind: 'ship';
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logDirectory: string;
  readonly partition: number;
}

/** Said once a second by the shipper process. */
export interface ShipperReport {
  readonly kind: 'shipper';
  readonly state: string;
  readonly lagRecords: string;
  readonly detail: string | null;
}

/**
 * Moves the spool to Kafka in a process of its own: producing costs more CPU than serving, and must not cost latency.
 * Its death loses nothing: another goes on from the checkpoint.
 */
export class ShipperChild {
  #child: ChildProcess | null = null;
  #stopping = false;
  #failpoint = failpointVariables();
  #report: ShipperReport = { kind: 'shipper', state: 'starting', lagRecords: '0', detail: null };

  constructor(
    private readonly order: ShipperOrder,
    private readonly logger: Logger,
  ) {}

  start(): void {
    const child = fork(ENTRY, [], {
      env: { NODE_ENV: 'production', ...this.#failpoint },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.#failpoint = {};
    child.on('message', (message) => (this.#report = message as ShipperReport));
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      this.logger.error({ code, signal }, 'the shipper died; starting another');
      setTimeout(() => {
        if (!this.#stopping) this.start();
      }, RESTART_MS);
    });
    child.send(this.order);
  }

  /** For `/readyz`: records that wait on this disk for Kafka. */
  probe(): DependencyState {
    const { state, lagRecords, detail } = this.#report;
    const shown = `${state}, ${lagRecords} records to ship${detail === null ? '' : `: ${detail}`}`;
    return {
      name: 'shipper',
      state: state === 'shipping' || state === 'idle' ? 'ok' : 'degraded',
      required: false,
      detail: shown,
    };
  }

  get lagRecords(): number {
    return Number(this.#report.lagRecords);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await stopChild(this.#child, STOP_MS);
  }
}
