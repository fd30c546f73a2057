import type { CheckpointReceiver } from '../ports/checkpoint-receiver.js';
import type { SignedCheckpoint } from './log-sequencer.js';

export interface DeliveryTiming {
  /** Least time between two checkpoints of one log. */
  readonly everyMs: number;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
}

interface LogState {
  pending: SignedCheckpoint | null;
  /** Size of the last one that was taken. */
  taken: number;
  dueAtMs: number;
}

const RETRY = { retryMsMin: 1_000, retryMsMax: 300_000 };

/**
 * Brings checkpoints to one receiver: at least once, one at a time, of each log in the order of sizes. A checkpoint
 * vouches for all before it, so that while one cannot be brought, or it is not time yet, only the newest is kept.
 * Offering never waits.
 */
export class CheckpointDelivery {
  readonly #receiver: CheckpointReceiver;
  readonly #timing: DeliveryTiming;
  readonly #onFailure: (receiver: string, error: unknown) => void;
  readonly #logs = new Map<string, LogState>();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #posting: Promise<void> | null = null;
  #failuresInARow = 0;
  #failures = 0;
  #taken = 0;

  constructor(
    receiver: CheckpointReceiver,
    timing: Pick<DeliveryTiming, 'everyMs'> & Partial<DeliveryTiming>,
    onFailure: (receiver: string, error: unknown) => void,
  ) {
    this.#receiver = receiver;
    this.#timing = { ...RETRY, ...timing };
    this.#onFailure = onFailure;
  }

  get counts(): { readonly taken: number; readonly failures: number; readonly waiting: number } {
    const waiting = [...this.#logs.values()].filter(({ pending }) => pending !== null).length;
    return { taken: this.#taken, failures: this.#failures, waiting };
  }

  offer(checkpoint: SignedCheckpoint): void {
    const { origin, size } = checkpoint;
    const log = this.#logs.get(origin) ?? { pending: null, taken: -1, dueAtMs: 0 };
    this.#logs.set(origin, log);
    if (size <= Math.max(log.taken, log.pending?.size ?? -1)) return;
    log.pending = checkpoint;
    this.#plan();
  }

  /** Gives up what is under way; the next start brings the newest again. */
  async stop(): Promise<void> {
    this.#abort.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#posting;
  }

  #plan(): void {
    if (this.#posting !== null || this.#abort.signal.aborted) return;
    if (this.#timer !== null) {
      // While a receiver is away, its next turn is set by the wait after its failure.
      if (this.#failuresInARow > 0) return;
      clearTimeout(this.#timer);
    }
    const waiting = [...this.#logs.values()].filter(({ pending }) => pending !== null);
    const [next] = waiting.toSorted((a, b) => a.dueAtMs - b.dueAtMs);
    this.#timer = null;
    if (next === undefined) return;
    const { retryMsMin, retryMsMax } = this.#timing;
    const backoffMs =
      this.#failuresInARow === 0 ? 0 : Math.min(retryMsMin * 2 ** (this.#failuresInARow - 1), retryMsMax);
    const waitMs = Math.max(next.dueAtMs - performance.now(), backoffMs, 0);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#posting = this.#post(next).finally(() => {
        this.#posting = null;
        this.#plan();
      });
    }, waitMs);
  }

  async #post(log: LogState): Promise<void> {
    const checkpoint = log.pending;
    if (checkpoint === null) return;
    let missing: string | void;
    try {
      missing = await this.#receiver.post(checkpoint.note, this.#abort.signal);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failuresInARow += 1;
      // The other logs come first: what fails may be this one alone.
      log.dueAtMs = performance.now();
      this.#fail(error);
      return;
    }
    this.#failuresInARow = 0;
    log.dueAtMs = performance.now() + this.#timing.everyMs;
    if (missing !== undefined) {
      this.#fail(new Error(missing));
      return;
    }
    this.#taken += 1;
    log.taken = checkpoint.size;
    if (log.pending === checkpoint) log.pending = null;
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    this.#onFailure(this.#receiver.name, error);
  }
}
