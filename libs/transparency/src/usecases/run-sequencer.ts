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
  /** A log contradicts what was signed: nothing more is signed for it until it says again what it said. */
  readonly onRefused: (partition: number, reason: string) => void;
  /** It does so again. */
  readonly onAgreed?: (partition: number) => void;
  /**
   * Compare the tree's last entry with the log at every look: for a log that can be made anew while it is read, as a
   * Kafka topic can.
   */
  readonly rereadsLast?: boolean;
  /** Anything else that went wrong; it is tried again. */
  readonly onError: (error: unknown, partition: number) => void;
  /** Shorter in tests. */
  readonly timing?: Partial<SequencerTiming>;
}

export interface SequencerTiming {
  /** Between two looks at a log, and so between two checkpoints of it. */
  readonly everyMs: number;
  /** A record is readable a little before it is on disk; what is signed must not be lost by a power cut. */
  readonly settleMs: number;
  /** How soon a new partition is noticed. */
  readonly discoverMs: number;
  readonly retryMs: number;
  /** How soon a log that was refused is compared again. */
  readonly recheckMs: number;
}

/** How far one log has come. */
export interface LogProgress {
  readonly partition: number;
  /** Leaves under the last checkpoint. */
  readonly size: number;
  /** When that was signed, or found at the start. */
  readonly signedAtMs: number;
  /** Leaves that wait for a checkpoint, as far as this process has looked. */
  readonly uncovered: number;
}

export interface RunningSequencer {
  readonly progress: () => readonly LogProgress[];
  /** Signs what has been read, then ends. */
  stop(): Promise<void>;
}

const TIMING: SequencerTiming = {
  everyMs: 800,
  settleMs: 100,
  discoverMs: 2_000,
  retryMs: 2_000,
  recheckMs: 10_000,
};
const READ = { recordsMax: 2_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };
/** Leaves between two checkpoints while a backlog is worked off. */
const LEAVES_MAX = 4_096;

/** Sequences every partition of the receipts until it is stopped, each on its own. */
export function runSequencer(parts: SequencerParts): RunningSequencer {
  const timing = { ...TIMING, ...parts.timing };
  const abort = new AbortController();
  const loops = new Map<number, Promise<void>>();
  const progress = new Map<number, LogProgress>();
  const discover = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      try {
        for (const partition of await parts.reader.partitions(TOPICS.receipts)) {
          const follower = { parts, timing, partition, progress, signal: abort.signal };
          if (!loops.has(partition)) loops.set(partition, follow(follower));
        }
      } catch (error) {
        parts.onError(error, -1);
      }
      await pause(timing.discoverMs, abort.signal);
    }
  };
  const discovering = discover();
  return {
    progress: () => [...progress.values()],
    stop: async () => {
      abort.abort();
      await discovering;
      await Promise.all(loops.values());
    },
  };
}

interface Follower {
  readonly parts: SequencerParts;
  readonly timing: SequencerTiming;
  readonly partition: number;
  readonly progress: Map<number, LogProgress>;
  readonly signal: AbortSignal;
}

async function follow(follower: Follower): Promise<void> {
  const { parts, timing, partition, signal } = follower;
  let contradictions = 0;
  let refused = false;
  while (!signal.aborted) {
    try {
      const log = await openLog(parts, partition);
      note(follower, log);
      if (log.signed !== null) parts.onCheckpoint(log.signed);
      while (!signal.aborted) {
        const behind = await gather(follower, log);
        const checkpoint = await log.sign();
        // Only now has the log been read and found to go on where the tree ends.
        if (refused) parts.onAgreed?.(partition);
        refused = false;
        contradictions = 0;
        if (checkpoint !== null) {
          note(follower, log);
          parts.onCheckpoint(checkpoint);
        }
        if (!behind) await pause(timing.everyMs, signal);
      }
    } catch (error) {
      const contradicts = error instanceof LogContradiction;
      if (!contradicts) parts.onError(error, partition);
      // A broker that has just started may know no topic, or less of it, for an instant: once is no contradiction yet.
      contradictions = contradicts ? contradictions + 1 : 0;
      if (contradicts && contradictions === 2) {
        refused = true;
        parts.onRefused(partition, error.message);
      }
      // Opened anew: what is in memory may be ahead of what a failed write has left.
      await pause(refused ? timing.recheckMs : timing.retryMs, signal);
    }
  }
}

function openLog(parts: SequencerParts, partition: number): Promise<LogSequencer> {
  const { reader, storeOf, signer, digest, lastPublished } = parts;
  return LogSequencer.open({
    topic: TOPICS.receipts,
    partition,
    reader,
    store: storeOf(partition),
    signer,
    digest,
    ...(lastPublished === undefined ? {} : { lastPublished }),
  });
}

function note({ progress, partition }: Follower, log: LogSequencer): void {
  const size = log.signed?.size ?? 0;
  const signedAtMs = Date.now();
  progress.set(partition, { partition, size, signedAtMs, uncovered: log.unsigned });
}

/** Reads what is there. @returns whether there is more: a backlog is cut into several checkpoints. */
async function gather({ parts, timing, partition, progress, signal }: Follower, log: LogSequencer): Promise<boolean> {
  const readOn = async (offset: number): Promise<boolean> => {
    const batch = await parts.reader.read({ topic: TOPICS.receipts, partition, offset: BigInt(offset) }, READ, signal);
    if (signal.aborted) return false;
    log.checkHead(batch.headOffset);
    log.append(batch.records);
    const behind = Number(batch.headOffset) - log.size;
    const known = progress.get(partition);
    if (known !== undefined) progress.set(partition, { ...known, uncovered: behind + log.unsigned });
    return behind > 0 && batch.records.length > 0;
  };
  const overlap = parts.rereadsLast === true && log.size > 0 ? 1 : 0;
  let behind = await readOn(log.size - overlap);
  while (behind && !signal.aborted && log.unsigned < LEAVES_MAX) behind = await readOn(log.size);
  if (log.unsigned > 0 && !behind) await pause(timing.settleMs, signal);
  return behind;
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
