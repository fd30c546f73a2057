import { sha256 } from '../adapters/node-crypto/sha256.js';
import { GrowingTree, TILE_WIDTH, type SubtreeHash } from '../domain/merkle-tree.js';
import { subtreesFromTiles } from '../domain/tile.js';
import { createTreeHash, HASH_BYTES } from '../domain/tree-hash.js';

const hash = createTreeHash(sha256);

/** Leaf hashes of the texts `leaf 0`, `leaf 1`, … */
export function numberedLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, n) => hash.leaf(new TextEncoder().encode(`leaf ${n}`)));
}

/** RFC 6962 §2.1 word by word. */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return hash.empty();
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return hash.node(naiveRoot(leaves.slice(0, half)), naiveRoot(leaves.slice(half)));
}

export interface GrownTree {
  readonly leaves: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly tiles: ReadonlyMap<string, Uint8Array>;
  readonly subtree: SubtreeHash;
}

const grown = new Map<number, GrownTree>();

/** A tree of numbered leaves with its tiles, by `<level>/<index>`. */
export function growTiles(size: number): GrownTree {
  const before = grown.get(size);
  if (before !== undefined) return before;
  const tree = new GrowingTree(hash);
  const rows = new Map<string, Uint8Array[]>();
  const leaves = numberedLeaves(size);
  for (const leaf of leaves) {
    tree.append(leaf, ({ level, index, hash: made }) => {
      const key = `${level}/${Math.floor(index / TILE_WIDTH)}`;
      rows.set(key, [...(rows.get(key) ?? []), made]);
    });
  }
  const tiles = new Map([...rows].map(([key, hashes]) => [key, joined(hashes)]));
  const made = { leaves, root: tree.root(), tiles, subtree: subtreesFromTiles(tiles, hash) };
  grown.set(size, made);
  return made;
}

function joined(hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES);
  for (const [n, each] of hashes.entries()) bytes.set(each, n * HASH_BYTES);
  return bytes;
}
