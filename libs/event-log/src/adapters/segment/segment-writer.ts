import type { NewRecord } from '#events/domain/event-record.js';
import { pass } from '#events/ports/failpoint.js';
import { logUnavailable, PROBE_INTERVAL_MS } from '../../domain/log-unavailable.js';
import type { Appended, EventLogWriter } from '../../ports/event-log.js';
import { signalAppended } from './append-signal.js';
import type { SegmentDevice } from './segment-device.js';
import { SegmentFile } from './segment-file.js';
import { Turn } from './turn.js';
import type { UnsyncedBytes } from './unsynced-bytes.js';

/** `fast` syncs at most this often. */
const FAST_SYNC_INTERVAL_MS = 50;
/** Longest that a `soon` append waits for company. */
const SOON_SYNC_MS = 2;
const LOST_FILE_PROBE_INTERVAL_MS_MAX = 3000;
/** Records of one turn beyond this are written before the turn ends. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;

export interface SegmentWriterState {
  readonly device: SegmentDevice;
  readonly directory: string;
  readonly directoryDescriptor: number;
  readonly durability: 'strict' | 'fast';
  readonly segmentBytesMax: number;
  readonly unsynced: UnsyncedBytes;
  readonly file: SegmentFile;
  /** Told after each group commit: records that became durable, and how long the device took. */
  readonly onSynced?: ((records: number, tookMs: number) => void) | undefined;
  /** Gives the writer lock back; called once, at the end. */
  readonly release: () => void;
}

/**
 * Appends to the segment files of one partition.
 *
 * What is appended in one turn of the event loop is written by one synchronous `write` at its end (`written`), and
 * synced on the thread pool together with all that was written during the sync before (`durable`). After a failed write
 * everything is refused until a probe works; after a failed sync the file is left where it was last synced and the
 * records behind that are written again into a new one, because a second sync would not tell the truth.
 */
export class SegmentWriter implements EventLogWriter {
  readonly #state: SegmentWriterState;
  readonly #unsynced: UnsyncedBytes;
  #file: SegmentFile;
  #turn: Turn | null = null;
  readonly #undurable: Turn[] = [];
  #syncing = false;
  #syncTimer: NodeJS.Timeout | null = null;
  #syncStartedMs = -Infinity;
  #syncFailures = 0;
  #directoryChanged = true;
  /** What appends get while the log takes no records; `null` when it is healthy. */
  #refusal: Appended | null = null;
  #fileLost = false;
  #probeTimer: NodeJS.Timeout | null = null;
  #closing: Promise<void> | null = null;

  constructor(state: SegmentWriterState) {
    this.#state = state;
    this.#unsynced = state.unsynced;
    this.#file = state.file;
  }

  get healthy(): boolean {
    return this.#refusal === null;
  }

  append(records: readonly NewRecord[], urgency: 'now' | 'soon' = 'now'): Appended {
    if (this.#refusal !== null) return this.#refusal;
    this.#unsynced.add(records);
    let turn = this.#turn;
    if (turn === null) {
      turn = new Turn();
      this.#turn = turn;
      setImmediate(this.#writeTurn);
    }
    turn.count += records.length;
    for (const { topic } of records) turn.topics.add(topic);
    if (urgency === 'now') turn.urgent = true;
    if (this.#unsynced.used - this.#unsynced.written > WAITING_BYTES_MAX) this.#writeTurn();
    return turn;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  readonly #writeTurn = (): void => {
    const turn = this.#turn;
    if (turn === null) return;
    this.#turn = null;
    const bytes = this.#unsynced;
    try {
      this.#file.append(bytes.buffer, bytes.index(bytes.written), bytes.used - bytes.written);
    } catch (error) {
      turn.fail(this.#refuse('write', error));
      return;
    }
    pass('log_written');
    bytes.written = bytes.used;
    turn.end = bytes.written;
    turn.resolveWritten();
    this.#undurable.push(turn);
    signalAppended(this.#state.directory, turn.topics);
    if (turn.urgent) this.#sync();
    else this.#syncTimer ??= setTimeout(this.#syncLate, SOON_SYNC_MS);
  };

  readonly #syncLate = (): void => {
    this.#syncTimer = null;
    this.#sync();
  };

  #sync(): void {
    if (this.#syncing || this.#fileLost || this.#undurable.length === 0) return;
    if (this.#state.durability === 'fast' && this.#closing === null) {
      const waitMs = this.#syncStartedMs + FAST_SYNC_INTERVAL_MS - performance.now();
      if (waitMs > 0) {
        this.#syncTimer ??= setTimeout(this.#syncLate, waitMs);
        return;
      }
    }
    this.#syncing = true;
    this.#syncStartedMs = performance.now();
    const target = this.#unsynced.written;
    this.#syncFile((error) => {
      this.#syncing = false;
      if (error === null) pass('log_synced');
      if (error === null) this.#synced(target);
      else this.#syncFailed(error);
    });
  }

  #syncFile(done: (error: Error | null) => void): void {
    this.#file.datasync((error) => {
      if (error !== null || !this.#directoryChanged) return done(error);
      this.#state.device.syncDirectory(this.#state.directoryDescriptor, (failed) => {
        if (failed === null) this.#directoryChanged = false;
        done(failed);
      });
    });
  }

  #synced(target: number): void {
    this.#syncFailures = 0;
    this.#unsynced.markSynced(target);
    let count = 0;
    let records = 0;
    for (const turn of this.#undurable) {
      if (turn.end > target) break;
      turn.resolveDurable();
      count += 1;
      records += turn.count;
    }
    this.#undurable.splice(0, count);
    this.#state.onSynced?.(records, performance.now() - this.#syncStartedMs);
    if (this.#syncedBytes() >= this.#state.segmentBytesMax && this.#closing === null && this.healthy) {
      try {
        this.#roll();
      } catch {
        // No room for a further file: this one goes on beyond its size, and the next sync tries again.
      }
    }
    this.#sync();
  }

  #syncFailed(error: Error): void {
    this.#syncFailures += 1;
    this.#fileLost = true;
    if (this.#syncFailures === 1) {
      try {
        this.#roll();
        return this.#sync();
      } catch {
        // Reported below, with the error that began it.
      }
    }
    const reason = this.#refuse('sync', error);
    for (const turn of this.#undurable.splice(0)) turn.fail(reason);
  }

  #syncedBytes(): number {
    return this.#file.bytes - (this.#unsynced.written - this.#unsynced.synced);
  }

  /** Seals the file where it is synced; what was written behind that moves into the next one. */
  #roll(): void {
    const { device, directory } = this.#state;
    const sealed = this.#file;
    const previousBytes = this.#syncedBytes();
    const header = {
      sequence: sealed.sequence + 1,
      previousBytes,
      createdAtMs: Date.now(),
      next: this.#unsynced.nextAtSynced(),
    };
    this.#file = SegmentFile.create(device, directory, header, this.#unsynced);
    this.#directoryChanged = true;
    this.#fileLost = false;
    try {
      sealed.cutBack(previousBytes);
    } catch {
      // The header of the new segment says where the sealed one ends.
    }
    try {
      sealed.close();
    } catch {
      // Its bytes up to there are synced.
    }
    signalAppended(directory, null);
  }

  #refuse(operation: 'write' | 'sync', cause: unknown): Error {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    const reason = logUnavailable(`${operation} of the receipt log failed: ${code}`, cause);
    const wasHealthy = this.#refusal === null;
    this.#refusal = Turn.failed(reason);
    this.#unsynced.dropUnwritten();
    this.#turn?.fail(reason);
    this.#turn = null;
    if (!this.#fileLost) {
      try {
        this.#file.cutBack();
      } catch {
        // The probe cuts again before it writes.
      }
    }
    if (wasHealthy) this.#probeLater();
    return reason;
  }

  #probeLater(): void {
    // Each probe after a failed sync makes a file, so those come further apart the longer it lasts.
    const intervalMs = this.#fileLost ? PROBE_INTERVAL_MS * this.#syncFailures : PROBE_INTERVAL_MS;
    this.#probeTimer = setTimeout(() => this.#probe(), Math.min(intervalMs, LOST_FILE_PROBE_INTERVAL_MS_MAX)).unref();
  }

  #probe(): void {
    if (this.#closing !== null) return;
    try {
      if (this.#fileLost) this.#roll();
      else this.#file.probe();
    } catch {
      return this.#probeLater();
    }
    if (this.#syncing) return this.#recovered();
    this.#syncing = true;
    const target = this.#unsynced.written;
    this.#syncFile((error) => {
      this.#syncing = false;
      if (error !== null) {
        this.#fileLost = true;
        this.#syncFailures += 1;
        return this.#probeLater();
      }
      this.#recovered();
      this.#synced(target);
    });
  }

  #recovered(): void {
    if (this.#closing === null) this.#refusal = null;
  }

  async #close(): Promise<void> {
    this.#writeTurn();
    this.#refusal = Turn.failed(logUnavailable('the log is closed'));
    if (this.#probeTimer !== null) clearTimeout(this.#probeTimer);
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer);
    // The closing flag is set only after this function has returned its promise.
    await Promise.resolve();
    this.#sync();
    await Promise.all(this.#undurable.map((turn) => turn.durable.catch(() => {})));
    while (this.#syncing) await new Promise(setImmediate);
    const { device, directoryDescriptor, release } = this.#state;
    for (const close of [() => this.#file.close(), () => device.close(directoryDescriptor)]) {
      try {
        close();
      } catch {
        // Nothing was left to be written.
      }
    }
    release();
  }
}
