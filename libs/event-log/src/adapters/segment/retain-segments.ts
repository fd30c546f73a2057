import fs from 'node:fs';
import path from 'node:path';
import { pass } from '#events/ports/failpoint.js';
import { segmentName, segmentSequences } from './segment-header.js';
import { SegmentStore } from './segment-store.js';

export interface RetentionOptions {
  /** The log's directory, as for the writer. */
  readonly directory: string;
  readonly partition: number;
  /** The oldest segments go, before their age, while the partition has more bytes. */
  readonly maxBytes: number;
  /** For each topic that has consumers: the oldest checkpoint of all groups on this partition. */
  readonly minOffsets: ReadonlyMap<string, bigint>;
  /** How long a topic is kept. A segment with a record of a topic that is not named here is never deleted. */
  readonly topicMaxAgeMs: ReadonlyMap<string, number>;
  readonly nowMs: number;
}

export interface RetentionResult {
  /** Names of the deleted segment files, oldest first. */
  readonly deleted: readonly string[];
  readonly bytesKept: number;
  /** Why the partition is still larger than `maxBytes`; `null` when it is not. */
  readonly heldBackBy: { readonly segment: string; readonly topic: string; readonly reason: HoldReason } | null;
}

/** `not_consumed`: a group has not passed it; `kept_for_ever`: the topic has no age; `live`: it is still written. */
type HoldReason = 'not_consumed' | 'kept_for_ever' | 'live';

/**
 * Deletes whole sealed segments, oldest first, that every consumer has passed and that are too old or too many.
 * May run while the partition is written and read: a reader that finds its segment gone goes on at the oldest one.
 */
export async function retainSegments(options: RetentionOptions): Promise<RetentionResult> {
  const directory = path.resolve(options.directory, String(options.partition));
  const sequences = segmentSequences(await fs.promises.readdir(directory));
  const sizes = await Promise.all(sequences.map((each) => sizeOf(directory, each)));
  let bytesKept = sizes.reduce((sum, size) => sum + size, 0);
  const store = new SegmentStore(directory);
  const deleted: string[] = [];
  let heldBackBy: RetentionResult['heldBackBy'] = null;
  try {
    for (const [index, sequence] of sequences.entries()) {
      const segment = segmentName(sequence);
      const tooLarge = bytesKept > options.maxBytes;
      const verdict = judge(store, sequence, sequences[index + 1], options, tooLarge);
      if (verdict !== 'delete') {
        if (tooLarge && verdict !== 'keep') heldBackBy = { segment, ...verdict };
        break;
      }
      await fs.promises.unlink(path.join(directory, segment));
      pass('segment_unlinked');
      bytesKept -= sizes[index] as number;
      deleted.push(segment);
    }
  } finally {
    store.close();
  }
  if (deleted.length > 0) await syncDirectory(directory);
  return { deleted, bytesKept, heldBackBy };
}

function judge(
  store: SegmentStore,
  sequence: number,
  following: number | undefined,
  { minOffsets, topicMaxAgeMs, nowMs }: RetentionOptions,
  tooLarge: boolean,
): 'delete' | 'keep' | { readonly topic: string; readonly reason: HoldReason } {
  if (following === undefined) return { topic: '', reason: 'live' };
  const { header } = store.open(sequence);
  const { next, createdAtMs: sealedAtMs } = store.open(following).header;
  for (const [topic, end] of next) {
    if (end <= (header.next.get(topic) ?? 0)) continue;
    const maxAgeMs = topicMaxAgeMs.get(topic);
    if (maxAgeMs === undefined) return { topic, reason: 'kept_for_ever' };
    const consumed = minOffsets.get(topic);
    if (consumed !== undefined && consumed < BigInt(end)) return { topic, reason: 'not_consumed' };
    if (!tooLarge && nowMs - sealedAtMs <= maxAgeMs) return 'keep';
  }
  return 'delete';
}

async function sizeOf(directory: string, sequence: number): Promise<number> {
  return (await fs.promises.stat(path.join(directory, segmentName(sequence)))).size;
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.promises.open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
