import { TILE_WIDTH } from '../../domain/merkle-tree.js';
import { tileKey, type TilePlace } from '../../domain/tile.js';
import { HASH_BYTES } from '../../domain/tree-hash.js';
import type { TileStore } from '../../ports/tile-store.js';

/** Tiles that live as long as the process; for tests and for rebuilding a tree to compare it. */
export class MemoryTileStore implements TileStore {
  readonly tiles = new Map<string, Uint8Array>();
  #checkpoint: string | null = null;
  #cosigned: readonly string[] = [];

  async readTile(place: TilePlace): Promise<Uint8Array | null> {
    return this.tiles.get(tileKey(place))?.slice() ?? null;
  }

  async writeTile(place: TilePlace, width: number, hashes: Uint8Array): Promise<void> {
    const before = this.tiles.get(tileKey(place)) ?? new Uint8Array(0);
    const from = width * HASH_BYTES;
    const end = from + hashes.length;
    if (hashes.length % HASH_BYTES !== 0 || end > TILE_WIDTH * HASH_BYTES) {
      throw new RangeError('a tile has at most 256 hashes');
    }
    if (before.length < from) throw new RangeError(`the tile has fewer than ${width} hashes`);
    const tile = new Uint8Array(end);
    tile.set(before.subarray(0, from));
    tile.set(hashes, from);
    this.tiles.set(tileKey(place), tile);
  }

  async readCheckpoint(): Promise<string | null> {
    return this.#checkpoint;
  }

  async writeCheckpoint(note: string): Promise<void> {
    this.#checkpoint = note;
  }

  async readCosigned(): Promise<readonly string[]> {
    return this.#cosigned;
  }

  async writeCosigned(notes: readonly string[]): Promise<void> {
    this.#cosigned = [...notes];
  }

  /** Loses everything, as when somebody deletes the view. */
  forget(): void {
    this.tiles.clear();
    this.#checkpoint = null;
    this.#cosigned = [];
  }
}
