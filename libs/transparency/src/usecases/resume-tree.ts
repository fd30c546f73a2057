import type { Checkpoint } from '../domain/checkpoint.js';
import { GrowingTree, perfectSubtrees } from '../domain/merkle-tree.js';
import { subtreesFromTiles, tileOf, TileMissing } from '../domain/tile.js';
import { sameBytes, toHex, type TreeHash } from '../domain/tree-hash.js';
import type { TileReader } from '../ports/tile-store.js';
import { loadTiles } from './load-tiles.js';

/**
 * The tree at its last signed checkpoint, out of its tiles.
 * @returns `null` when tiles are missing, or are not those that were signed: then the log can say what is right.
 */
export async function resumeTree(store: TileReader, signed: Checkpoint, hash: TreeHash): Promise<GrowingTree | null> {
  const subtrees = perfectSubtrees(signed.size);
  try {
    const tiles = await loadTiles(store, subtrees.map(tileOf), signed.size);
    const tree = new GrowingTree(hash, signed.size, subtrees.map(subtreesFromTiles(tiles, hash)));
    return sameBytes(tree.root(), signed.root) ? tree : null;
  } catch (error) {
    if (error instanceof TileMissing) return null;
    throw error;
  }
}

/** Nothing may be signed any more: the log and what was signed about it contradict each other. */
export class LogContradiction extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LogContradiction';
  }
}

export function rootsDiffer(signed: Checkpoint, root: Uint8Array): LogContradiction {
  return new LogContradiction(
    `the log's first ${signed.size} records lead to root ${toHex(root)}, but ${toHex(signed.root)} was signed: records were changed, lost or replaced`,
  );
}
