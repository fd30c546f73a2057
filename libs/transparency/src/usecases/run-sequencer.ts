import type { EventLogReader } from '#event-log/ports/event-log.js';
import { TOPICS } from '#events/domain/topics.js';
import type { Digest } from '../domain/tree-hash.js';
import type { NoteSigner } from '../ports/note-signer.js';
import type { TileStore } from '../ports/tile-store.js';
import { LogSequencer, type SignedCheckpoint } from './log-sequencer.js';
import { LogContradiction } from './resume-tree.js';

export interface SequencerParts {
  readonly reader: EventLogReader;
  /** The store of one log, by partition. */
  readonly storeOf: (partition: number) => TileStore;
  readonly signer: NoteSigner;
  readonly digest: Digest;
  /** See `LogParts.lastPublished`. */
  readonly lastPublished?: (origin: string) => Promise<string | null>;
  /** Called after a checkpoint is stored, and once for the last one of a former run: appending it twice is legal. */
  readonly onCheckpoint: (checkpoint: SignedCheckpoint) => void;
  /** A log contradicts what was signed; nothing more is signed for it until a person has looked. */
  readonly onRefused: (partition: number, reason: string) => void;
  /** Anything else that went wrong; it is tried again. */
  readonly onError: (error: unknown, partition: number) => void;
  /** Shorter in tests. */
  readonly timing?: Partial<SequencerTiming>;
}

export interface SequencerTiming {
  /** Longest time from seeing a leaf to signing it. */
  readonly lingerMs: number;
  /** Between looks at the log while leaves gather. */
  readonly sliceMs: number;
  /** A record is readable a little before it is on disk; what is signed must not be lost by a power cut. */
  readonly settleMs: number;
  /** How soon a new partition is noticed. */
  readonly discoverMs: number;
  readonly retryMs: number;
}

export interface RunningSequencer {
  /** Leaves that wait for a checkpoint, by partition, as far as this process has read. */
  readonly lag: () => number;
  /** Signs what has been read, then ends. */
  stop(): Promise<void>;
}

const TIMING: SequencerTiming = { lingerMs: 850, sliceMs: 200, settleMs: 100, discoverMs: 1_000, retryMs: 2_000 };
const READ = { recordsMax: 2_000, bytesMax: 8 * 1024 * 1024 };
const IDLE_WAIT_MS = 5_000;
/** Enough for a checkpoint before its time. */
const LEAVES_SOON = 256;
/** Leaves between two checkpoints while a backlog is worked off. */
const LEAVES_MAX = 4_096;

/** Sequences every partition of the receipts until it is stopped, each on its own. */
export function runSequencer(parts: SequencerParts): RunningSequencer {
  const timing = { ...TIMING, ...parts.timing };
  const abort = new AbortController();
  const loops = new Map<number, Promise<void>>();
  const lags = new Map<number, number>();
  const discover = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      try {
        for (const partition of await parts.reader.partitions(TOPICS.receipts)) {
          if (!loops.has(partition)) loops.set(partition, follow(parts, timing, partition, lags, abort.signal));
        }
      } catch (error) {
        parts.onError(error, -1);
      }
      await pause(timing.discoverMs, abort.signal);
    }
  };
  const discovering = discover();
  return {
    lag: () => [...lags.values()].reduce((sum, lag) => sum + lag, 0),
    stop: async () => {
      abort.abort();
      await discovering;
      await Promise.all(loops.values());
    },
  };
}

async function follow(
  parts: SequencerParts,
  timing: SequencerTiming,
  partition: number,
  lags: Map<number, number>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { reader, signer, digest, lastPublished } = parts;
      const log = await LogSequencer.open({
        topic: TOPICS.receipts,
        partition,
        reader,
        store: parts.storeOf(partition),
        signer,
        digest,
        ...(lastPublished === undefined ? {} : { lastPublished }),
      });
      if (log.signed !== null) parts.onCheckpoint(log.signed);
      while (!signal.aborted) {
        await gather(parts, timing, partition, log, lags, signal);
        const checkpoint = await log.sign();
        if (checkpoint !== null) lags.set(partition, 0);
        if (checkpoint !== null) parts.onCheckpoint(checkpoint);
      }
      return;
    } catch (error) {
      if (error instanceof LogContradiction) {
        parts.onRefused(partition, error.message);
        return;
      }
      // Opened anew: what is in memory may be ahead of what a failed write has left.
      parts.onError(error, partition);
      await pause(timing.retryMs, signal);
    }
  }
}

/** Reads until there is something worth signing: a second is over, 256 leaves are there, or a backlog is cut. */
async function gather(
  { reader }: SequencerParts,
  timing: SequencerTiming,
  partition: number,
  log: LogSequencer,
  lags: Map<number, number>,
  signal: AbortSignal,
): Promise<void> {
  const readOn = async (waitMs: number): Promise<boolean> => {
    const from = { topic: TOPICS.receipts, partition, offset: BigInt(log.size) };
    const batch = await reader.read(from, { ...READ, waitMs }, signal);
    log.append(batch.records);
    const behind = Number(batch.headOffset) - log.size;
    lags.set(partition, Math.max(behind, 0) + log.unsigned);
    return behind > 0;
  };
  let behind = await readOn(IDLE_WAIT_MS);
  if (log.unsigned === 0) return;
  const until = performance.now() + timing.lingerMs;
  while (!signal.aborted && log.unsigned < (behind ? LEAVES_MAX : LEAVES_SOON)) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) break;
    if (!behind) await pause(Math.min(leftMs, timing.sliceMs), signal);
    behind = await readOn(0);
  }
  if (!behind) await pause(timing.settleMs, signal);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
