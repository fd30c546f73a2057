import { parseCheckpoint, type Checkpoint } from '../domain/checkpoint.js';
import { bestCosigned } from '../domain/cosigned-notes.js';
import { formatLogProof } from '../domain/log-proof.js';
import { consistencyProof, inclusionProof } from '../domain/merkle-proof.js';
import type { SubtreeHash } from '../domain/merkle-tree.js';
import { subtreesFromTiles, tilesNeeded } from '../domain/tile.js';
import type { TreeHash } from '../domain/tree-hash.js';
import type { TileReader, TileStore } from '../ports/tile-store.js';
import { loadTiles } from './load-tiles.js';

export type EntryProof =
  | { readonly kind: 'proved'; readonly proof: string }
  /** The entry is in the log, but not under a signed checkpoint yet; ask again in a second. */
  | { readonly kind: 'not_sequenced'; readonly size: number };

/**
 * The `tlog-proof@v1` file of one entry: under the checkpoint that most witnesses have cosigned, and while none of those
 * has it, under the log's present one.
 * @throws TileMissing when the stored tree has a hole.
 */
export async function proveEntry(
  store: Pick<TileStore, 'readTile' | 'readCheckpoint' | 'readCosigned'>,
  index: number,
  hash: TreeHash,
): Promise<EntryProof> {
  const note = bestCosigned(await store.readCosigned(), index) ?? (await store.readCheckpoint());
  const parsed = note === null ? null : parseCheckpoint(note);
  if (note === null || parsed === null || typeof parsed === 'string') return { kind: 'not_sequenced', size: 0 };
  const { size } = parsed.checkpoint;
  if (index >= size) return { kind: 'not_sequenced', size };
  const hashes = await overTiles(store, size, hash, (subtree) => inclusionProof(index, size, subtree, hash));
  return { kind: 'proved', proof: formatLogProof({ index, hashes, checkpoint: note }) };
}

/** The proof that `older` is a beginning of `newer`, from tiles. @throws TileMissing as above. */
export async function proveConsistency(
  store: TileReader,
  older: Pick<Checkpoint, 'size'>,
  newer: Pick<Checkpoint, 'size'>,
  hash: TreeHash,
): Promise<readonly Uint8Array[]> {
  if (older.size === 0 || older.size === newer.size) return [];
  return overTiles(store, newer.size, hash, (subtree) => consistencyProof(older.size, newer.size, subtree, hash));
}

async function overTiles<T>(
  store: TileReader,
  size: number,
  hash: TreeHash,
  compute: (subtree: SubtreeHash) => T,
): Promise<T> {
  const tiles = await loadTiles(store, tilesNeeded(compute), size);
  return compute(subtreesFromTiles(tiles, hash));
}
