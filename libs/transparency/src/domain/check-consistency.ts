import { checkSignedCheckpoint, type Crypto } from './check-inclusion.js';
import type { Checkpoint } from './checkpoint.js';
import { good, unknown, wrong, type Finding } from './finding.js';
import { isConsistent } from './merkle-proof.js';
import { createTreeHash, sameBytes, toHex } from './tree-hash.js';

/** Makes the proof from one size to another, out of tiles. */
export type ProveSizes = (older: Checkpoint, newer: Checkpoint) => Promise<readonly Uint8Array[]>;

/**
 * Does a checkpoint that somebody kept belong to the same history as the proof's? Two trees of one size are compared by
 * their roots alone; others need the log's tiles.
 * @param prove `null` where there are no tiles.
 */
export async function checkConsistency(
  checkpoint: Checkpoint,
  keptNote: string,
  keys: string,
  prove: ProveSizes | null,
  crypto: Crypto,
): Promise<readonly Finding[]> {
  const kept = checkSignedCheckpoint(keptNote, keys, crypto);
  if (kept.checkpoint === null)
    return kept.findings.map(({ detail }) => wrong('consistency', `kept checkpoint: ${detail}`));
  const other = kept.checkpoint;
  if (other.origin !== checkpoint.origin) {
    return [wrong('consistency', `the kept checkpoint is of ${other.origin}, the proof of ${checkpoint.origin}`)];
  }
  if (other.size === checkpoint.size) {
    return sameBytes(other.root, checkpoint.root)
      ? [good('consistency', `the kept checkpoint has the same ${other.size} entries and root`)]
      : [wrong('consistency', rewritten(other, checkpoint))];
  }
  const [older, newer] = other.size < checkpoint.size ? [other, checkpoint] : [checkpoint, other];
  if (prove === null) {
    const detail = `the kept checkpoint has ${other.size} entries, the proof's ${checkpoint.size}: give --tiles to compare them`;
    return [unknown('consistency', detail)];
  }
  let hashes: readonly Uint8Array[];
  try {
    hashes = await prove(older, newer);
  } catch (error) {
    return [wrong('consistency', error instanceof Error ? error.message : 'the tiles cannot be read')];
  }
  return isConsistent(older, newer, hashes, createTreeHash(crypto.digest))
    ? [good('consistency', `the log only grew between ${older.size} and ${newer.size} entries`)]
    : [wrong('consistency', rewritten(older, newer))];
}

function rewritten(a: Checkpoint, b: Checkpoint): string {
  return `the log was rewritten: root ${toHex(a.root)} at ${a.size} entries and root ${toHex(b.root)} at ${b.size} were both signed, but do not belong to one history (or the tiles are not the log's)`;
}
