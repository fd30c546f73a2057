import type { TilePlace } from '../domain/tile.js';

/** Keeps the tree of one log. One writer at a time; anyone may read. */
export interface TileStore {
  /**
   * The hashes of a tile, 32 bytes each, from its first on; `null` when there is none. May hold more than the
   * checkpoint covers: what was written before a crash. A narrower tile is the beginning of a wider one.
   */
  readTile(place: TilePlace): Promise<Uint8Array | null>;
  /**
   * Writes hashes into a tile from its `width`-th on; what stood there and behind is gone. Resolves when they survive a
   * crash. Writing the same again changes nothing.
   * @throws RangeError when the tile has fewer than `width` hashes, or would have more than 256.
   */
  writeTile(place: TilePlace, width: number, hashes: Uint8Array): Promise<void>;
  /** The last signed checkpoint, as it was written; `null` when there is none. */
  readCheckpoint(): Promise<string | null>;
  /** Replaces the checkpoint at once and durably: a crash leaves the older or the newer one. */
  writeCheckpoint(note: string): Promise<void>;
  /** Checkpoints that witnesses have cosigned, as they were written; empty when there are none. */
  readCosigned(): Promise<readonly string[]>;
  /** Replaces them, as `writeCheckpoint` does. */
  writeCosigned(notes: readonly string[]): Promise<void>;
}

/** What a reader needs of it. */
export type TileReader = Pick<TileStore, 'readTile'>;
