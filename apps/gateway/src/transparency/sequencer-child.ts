import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stopChild } from '../boot/stop-child.js';
import type { Logger } from '#telemetry/ports/logger.js';

const ENTRY = fileURLToPath(new URL('./sequencer-main.js', import.meta.url));
const RESTART_MS = 1_000;
const STOP_MS = 10_000;
/** The first requests after a start are worth more than the first checkpoint. */
const START_MS = 500;

/** What the sequencer process is told over IPC. */
export interface SequencerOrder {
  readonly kind: 'sequence';
  readonly logDirectory: string;
  readonly directory: string;
  readonly keyFile: string;
}

/** What it says. */
export type SequencerReport =
  | { readonly kind: 'checkpoint'; readonly origin: string; readonly size: number; readonly note: string }
  | { readonly kind: 'refused'; readonly partition: number; readonly reason: string }
  | { readonly kind: 'fault'; readonly partition: number; readonly detail: string }
  | { readonly kind: 'lag'; readonly leaves: number };

/**
 * Hashes and signs in a process of its own, behind the log. Its death loses nothing: another goes on from the tiles.
 * A log that contradicts what was signed is not signed any more, and `refused` says why until a person has looked.
 */
export class SequencerChild {
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopping = true;
  #lag = 0;
  readonly #refused = new Map<number, string>();

  constructor(
    private readonly order: SequencerOrder,
    private readonly onCheckpoint: (origin: string, size: number, note: string) => void,
    private readonly logger: Logger,
  ) {}

  /** Also starts it again after `stop`. */
  start(afterMs = START_MS): void {
    this.#stopping = false;
    this.#timer = setTimeout(() => this.#spawn(), afterMs);
    this.#timer.unref();
  }

  /** Leaves that no checkpoint covers yet. */
  get lag(): number {
    return this.#lag;
  }

  /** Why a log is not signed any more; `null` while all is well. */
  get refused(): string | null {
    return this.#refused.size === 0 ? null : [...this.#refused.values()].join('; ');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await stopChild(this.#child, STOP_MS);
  }

  #spawn(): void {
    if (this.#stopping) return;
    this.#refused.clear();
    const child = fork(ENTRY, [], {
      execArgv: ['--max-semi-space-size=2'],
      env: { NODE_ENV: 'production' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('message', (message) => this.#hear(message as SequencerReport));
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      this.logger.error({ code, signal }, 'the transparency sequencer died; starting another');
      this.start(RESTART_MS);
    });
    child.send(this.order);
  }

  #hear(report: SequencerReport): void {
    if (report.kind === 'checkpoint') this.onCheckpoint(report.origin, report.size, report.note);
    else if (report.kind === 'lag') this.#lag = report.leaves;
    else if (report.kind === 'fault') this.logger.warn(report, 'the transparency sequencer had to start over');
    else {
      this.#refused.set(report.partition, report.reason);
      this.logger.error(report, 'the log contradicts what was signed; nothing more is signed for it');
    }
  }
}
