import { foldPerfect, TILE_HEIGHT, TILE_WIDTH, type PerfectSubtree, type SubtreeHash } from './merkle-tree.js';
import { HASH_BYTES, type TreeHash } from './tree-hash.js';

/** The `index`-th run of 256 hashes of a level; the last of a level may be narrower. */
export interface TilePlace {
  readonly level: number;
  readonly index: number;
}

/** A tile or, with level `entries`, a bundle of 256 log entries, as it stands in a URL. */
export interface TileName {
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 256; 256 is a full one. */
  readonly width: number;
}

const LEVEL_MAX = 63;

/** Index 1234067 → `x001/x234/067`, so that no folder has more than a thousand entries (C2SP tlog-tiles). */
export function tileIndexPath(index: number): string {
  const parts = [(index % 1000).toString().padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    parts.unshift(`x${(rest % 1000).toString().padStart(3, '0')}`);
  }
  return parts.join('/');
}

/** `tile/0/x001/067` or `tile/0/x001/067.p/12`. */
export function tilePath({ level, index, width }: TileName): string {
  return `tile/${level}/${tileIndexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Reads what `tilePath` writes; `null` for every other text, also for other spellings of the same tile. */
export function parseTilePath(path: string): TileName | null {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (match === null) return null;
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const index = Number((match[2] ?? '').replaceAll(/[x/]/g, ''));
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3]);
  if (level !== 'entries' && level > LEVEL_MAX) return null;
  if (!Number.isSafeInteger(index) || width < 1 || width > TILE_WIDTH) return null;
  const name: TileName = { level, index, width };
  return tilePath(name) === path ? name : null;
}

/** How many hashes a tile has in a tree of `size` leaves; 0 when it has none of it. */
export function tileWidth({ level, index }: TilePlace, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.min(Math.max(hashes - index * TILE_WIDTH, 0), TILE_WIDTH);
}

/** The tile that holds the hash of a perfect subtree, or the hashes to make it of. */
export function tileOf({ height, index }: PerfectSubtree): TilePlace {
  const level = Math.floor(height / TILE_HEIGHT);
  const perTile = 2 ** (TILE_HEIGHT - (height % TILE_HEIGHT));
  return { level, index: Math.floor(index / perTile) };
}

/** Tiles by place, as text. */
export const tileKey = ({ level, index }: TilePlace): string => `${level}/${index}`;

/**
 * The tiles that a computation over subtree hashes needs, found by running it once over made-up hashes: what it asks
 * for depends on the sizes alone.
 */
export function tilesNeeded(compute: (subtree: SubtreeHash) => unknown): readonly TilePlace[] {
  const needed = new Map<string, TilePlace>();
  const nothing = new Uint8Array(HASH_BYTES);
  compute((subtree) => {
    const place = tileOf(subtree);
    needed.set(tileKey(place), place);
    return nothing;
  });
  return [...needed.values()];
}

/** A needed tile is missing or too short: the tree's owner has lost a part of it, or somebody cut it. */
export class TileMissing extends Error {
  constructor(readonly place: TilePlace) {
    super(`tile ${tilePath({ ...place, width: TILE_WIDTH })} is missing or too short`);
    this.name = 'TileMissing';
  }
}

/** Subtree hashes out of loaded tiles. @throws TileMissing when asked for what they do not hold. */
export function subtreesFromTiles(tiles: ReadonlyMap<string, Uint8Array>, hash: TreeHash): SubtreeHash {
  return (subtree) => {
    const place = tileOf(subtree);
    const count = 2 ** (subtree.height % TILE_HEIGHT);
    const from = (subtree.index * count - place.index * TILE_WIDTH) * HASH_BYTES;
    const tile = tiles.get(tileKey(place));
    if (tile === undefined || tile.length < from + count * HASH_BYTES) throw new TileMissing(place);
    return foldPerfect(tile.subarray(from, from + count * HASH_BYTES), hash);
  };
}
