import { parseCheckpoint } from '../domain/checkpoint.js';
import { GrowingTree, TILE_WIDTH } from '../domain/merkle-tree.js';
import { tilePath, tileWidth, type TilePlace } from '../domain/tile.js';
import { createTreeHash, HASH_BYTES, sameBytes, toHex } from '../domain/tree-hash.js';
import type { TileStore } from '../ports/tile-store.js';
import type { LogParts } from './log-sequencer.js';
import { PendingHashes } from './pending-hashes.js';

export interface RebuiltLog {
  /** The rebuilt tree has the root that was signed for its size. */
  readonly matches: boolean;
  readonly size: number;
  /** Hex. */
  readonly signedRoot: string;
  readonly rebuiltRoot: string;
  /** Tiles of the former tree that are missing or say something else; the rebuilt ones are right if `matches`. */
  readonly damagedTiles: readonly string[];
}

const READ = { recordsMax: 2_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };

/**
 * Builds the tree of one log anew from its records into `fresh`, up to what was signed, and compares root and tiles bit
 * for bit. Signs nothing; `fresh` gets the same checkpoint, so that it can take the former's place.
 * @param note the last signed checkpoint.
 */
export async function rebuildLog(
  parts: Pick<LogParts, 'reader' | 'topic' | 'partition' | 'store' | 'digest'>,
  note: string,
  fresh: TileStore,
  onProgress: (read: number, total: number) => void,
): Promise<RebuiltLog> {
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') throw new RangeError(parsed);
  const { size, root } = parsed.checkpoint;
  const { reader, topic, partition, store } = parts;
  const hash = createTreeHash(parts.digest);
  const tree = new GrowingTree(hash);
  const pending = new PendingHashes();
  while (tree.size < size) {
    const limits = { ...READ, recordsMax: Math.min(READ.recordsMax, size - tree.size) };
    const { records } = await reader.read({ topic, partition, offset: BigInt(tree.size) }, limits);
    if (records.length === 0 || Number(records[0]?.offset) !== tree.size) break;
    for (const { value } of records) tree.append(hash.leaf(value), pending.add);
    await pending.writeTo(fresh);
    onProgress(tree.size, size);
  }
  const rebuiltRoot = tree.root();
  const matches = tree.size === size && sameBytes(rebuiltRoot, root);
  if (matches) await fresh.writeCheckpoint(note);
  return {
    matches,
    size: tree.size,
    signedRoot: toHex(root),
    rebuiltRoot: toHex(rebuiltRoot),
    damagedTiles: await differences(store, fresh, size),
  };
}

async function differences(former: TileStore, fresh: TileStore, size: number): Promise<readonly string[]> {
  const damaged: string[] = [];
  for (const place of tilesOfTree(size)) {
    const bytes = tileWidth(place, size) * HASH_BYTES;
    const [a, b] = await Promise.all([former.readTile(place), fresh.readTile(place)]);
    const same = a !== null && b !== null && sameBytes(a.subarray(0, bytes), b.subarray(0, bytes));
    if (!same) damaged.push(tilePath({ ...place, width: tileWidth(place, size) }));
  }
  return damaged;
}

/** All tiles of a tree, level by level. */
export function* tilesOfTree(size: number): Generator<TilePlace> {
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / TILE_WIDTH)) {
    for (let index = 0; index * TILE_WIDTH < hashes; index += 1) yield { level, index };
  }
}
