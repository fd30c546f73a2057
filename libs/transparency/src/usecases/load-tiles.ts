import { tileKey, tileWidth, TileMissing, type TilePlace } from '../domain/tile.js';
import { HASH_BYTES } from '../domain/tree-hash.js';
import type { TileReader } from '../ports/tile-store.js';

/**
 * Reads tiles of a tree of `size` leaves, each cut to the width that it has in that tree.
 * @throws TileMissing when one is not there or too short.
 */
export async function loadTiles(
  store: TileReader,
  places: readonly TilePlace[],
  size: number,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const loaded = await Promise.all(
    places.map(async (place): Promise<[string, Uint8Array]> => {
      const bytes = tileWidth(place, size) * HASH_BYTES;
      const tile = await store.readTile(place);
      if (tile === null || tile.length < bytes) throw new TileMissing(place);
      return [tileKey(place), tile.subarray(0, bytes)];
    }),
  );
  return new Map(loaded);
}
