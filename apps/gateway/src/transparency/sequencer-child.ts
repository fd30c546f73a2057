import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stopChild } from '../boot/stop-child.js';
import type { CheckpointWebhookSettings, WitnessSettings } from '#config/domain/settings.js';
import type { LogProgress } from '#transparency/usecases/run-sequencer.js';
import type { Logger } from '#telemetry/ports/logger.js';

const ENTRY = fileURLToPath(new URL('./sequencer-main.js', import.meta.url));
const RESTART_MS = 1_000;
const STOP_MS = 10_000;
/** The first requests after a start are worth more than the first checkpoint. */
const START_MS = 500;

/** What the sequencer process is told over IPC. May hold a secret. */
export interface SequencerOrder {
  readonly kind: 'sequence';
  readonly source:
    | { readonly kind: 'segments'; readonly logDirectory: string }
    | { readonly kind: 'kafka'; readonly brokers: readonly string[]; readonly clientId: string };
  readonly key:
    { readonly kind: 'file'; readonly keyFile: string } | { readonly kind: 'derived'; readonly masterKey: string };
  readonly directory: string;
  readonly webhooks: readonly CheckpointWebhookSettings[];
  readonly witnesses: readonly WitnessSettings[];
  readonly witnessEveryMs: number;
  /** `null` = checkpoints are not kept in a file. */
  readonly exportDirectory: string | null;
}

/** What it says. */
export type SequencerReport =
  | { readonly kind: 'checkpoint'; readonly origin: string; readonly size: number; readonly note: string }
  | { readonly kind: 'refused'; readonly partition: number; readonly reason: string }
  | { readonly kind: 'agreed'; readonly partition: number }
  | { readonly kind: 'fault'; readonly partition: number; readonly detail: string }
  | { readonly kind: 'delivery'; readonly receiver: string; readonly detail: string }
  /** Another process of the folder works; this one takes over when that dies. */
  | { readonly kind: 'standby' }
  | { readonly kind: 'progress'; readonly logs: readonly LogProgress[]; readonly webhookFailures: number };

/**
 * Hashes and signs in a process of its own, behind the log. Its death loses nothing: another goes on from the tiles.
 * A log that contradicts what was signed is not signed any more, and `refused` says why while that is so.
 */
export class SequencerChild {
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopping = true;
  #active = false;
  #logs: readonly LogProgress[] = [];
  #webhookFailures = 0;
  /** Of processes that have died. */
  #webhookFailuresBefore = 0;
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

  /** For `/metrics`. */
  get progress(): {
    readonly active: boolean;
    readonly refusedLogs: number;
    readonly logs: readonly LogProgress[];
    readonly webhookFailures: number;
  } {
    const webhookFailures = this.#webhookFailuresBefore + this.#webhookFailures;
    return { active: this.#active, refusedLogs: this.#refused.size, logs: this.#logs, webhookFailures };
  }

  /** Leaves that no checkpoint covers yet. */
  get lag(): number {
    return this.#logs.reduce((sum, { uncovered }) => sum + uncovered, 0);
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
    this.#forget();
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

  #forget(): void {
    this.#active = false;
    this.#logs = [];
    this.#webhookFailuresBefore += this.#webhookFailures;
    this.#webhookFailures = 0;
  }

  #hear(report: SequencerReport): void {
    if (report.kind === 'checkpoint') this.onCheckpoint(report.origin, report.size, report.note);
    else if (report.kind === 'progress') {
      if (!this.#active) this.logger.info({}, 'this process makes the transparency logs');
      this.#active = true;
      this.#logs = report.logs;
      this.#webhookFailures = report.webhookFailures;
    } else if (report.kind === 'standby') this.logger.info({}, 'another process makes the transparency logs');
    else if (report.kind === 'fault') this.logger.warn(report, 'the transparency sequencer had to start over');
    else if (report.kind === 'delivery') this.logger.warn(report, 'a checkpoint could not be delivered');
    else if (report.kind === 'agreed') {
      this.#refused.delete(report.partition);
      this.logger.warn(report, 'the log agrees with what was signed again; signing goes on');
    } else {
      this.#refused.set(report.partition, report.reason);
      this.logger.error(report, 'the log contradicts what was signed; nothing more is signed for it');
    }
  }
}
