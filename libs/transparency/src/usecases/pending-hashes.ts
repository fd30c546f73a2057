import { TILE_WIDTH, type LevelHash } from '../domain/merkle-tree.js';
import { HASH_BYTES } from '../domain/tree-hash.js';
import type { TileStore } from '../ports/tile-store.js';

interface Run {
  readonly level: number;
  readonly index: number;
  readonly from: number;
  readonly hashes: Uint8Array[];
}

/** Hashes that the tree has made and no tile has yet. */
export class PendingHashes {
  #runs = new Map<string, Run>();

  readonly add = ({ level, index, hash }: LevelHash): void => {
    const tile = Math.floor(index / TILE_WIDTH);
    const key = `${level}/${tile}`;
    const run = this.#runs.get(key);
    if (run !== undefined) run.hashes.push(hash);
    else this.#runs.set(key, { level, index: tile, from: index % TILE_WIDTH, hashes: [hash] });
  };

  /** Writes all of them, tile by tile. What was written before an error is written again at the next call. */
  async writeTo(store: TileStore): Promise<void> {
    for (const { level, index, from, hashes } of this.#runs.values()) {
      const bytes = new Uint8Array(hashes.length * HASH_BYTES);
      for (const [n, hash] of hashes.entries()) bytes.set(hash, n * HASH_BYTES);
      await store.writeTile({ level, index }, from, bytes);
    }
    this.#runs = new Map();
  }
}
