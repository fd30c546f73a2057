import { HASH_BYTES, type TreeHash } from './tree-hash.js';

/** A tile is a subtree of height 8: 256 hashes of one level, side by side. */
export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;

/** A stored hash that a tree has produced: the root of the leaves `[index × 256^level, (index + 1) × 256^level)`. */
export interface LevelHash {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

/** The root of a perfect subtree: leaves `[index × 2^height, (index + 1) × 2^height)`. */
export interface PerfectSubtree {
  readonly height: number;
  readonly index: number;
}

/** Where the hashes of perfect subtrees come from: memory, or tiles. */
export type SubtreeHash = (subtree: PerfectSubtree) => Uint8Array;

/** The perfect subtrees that a tree of `size` leaves consists of, left to right. */
export function perfectSubtrees(size: number): readonly PerfectSubtree[] {
  const subtrees: PerfectSubtree[] = [];
  let start = 0;
  for (let height = 52; height >= 0; height -= 1) {
    const width = 2 ** height;
    if (size - start < width) continue;
    subtrees.push({ height, index: start / width });
    start += width;
  }
  return subtrees;
}

function foldRight(hashes: readonly Uint8Array[], hash: TreeHash): Uint8Array {
  const last = hashes.at(-1);
  if (last === undefined) return hash.empty();
  return hashes.slice(0, -1).reduceRight((right, left) => hash.node(left, right), last);
}

/**
 * A growing RFC 6962 tree that keeps only its right edge (at most 53 hashes). Every inner hash is made exactly once;
 * those that tiles consist of are handed to `onHash`.
 */
export class GrowingTree {
  #size: number;
  readonly #edge: { readonly height: number; readonly hash: Uint8Array }[];
  readonly #hash: TreeHash;

  /** @param edge hashes of `perfectSubtrees(size)` in that order: the tree goes on from there. */
  constructor(hash: TreeHash, size = 0, edge: readonly Uint8Array[] = []) {
    const subtrees = perfectSubtrees(size);
    if (subtrees.length !== edge.length) throw new RangeError(`a tree of ${size} leaves has another edge`);
    this.#hash = hash;
    this.#size = size;
    this.#edge = subtrees.map(({ height }, n) => ({ height, hash: edge[n] as Uint8Array }));
  }

  get size(): number {
    return this.#size;
  }

  /** Adds one leaf by its hash. */
  append(leafHash: Uint8Array, onHash: (made: LevelHash) => void): void {
    onHash({ level: 0, index: this.#size, hash: leafHash });
    this.#size += 1;
    let height = 0;
    let hash = leafHash;
    while (this.#edge.at(-1)?.height === height) {
      const left = this.#edge.pop() as { readonly hash: Uint8Array };
      hash = this.#hash.node(left.hash, hash);
      height += 1;
      if (height % TILE_HEIGHT === 0) {
        onHash({ level: height / TILE_HEIGHT, index: this.#size / 2 ** height - 1, hash });
      }
    }
    this.#edge.push({ height, hash });
  }

  root(): Uint8Array {
    return foldRight(
      this.#edge.map(({ hash }) => hash),
      this.#hash,
    );
  }
}

/** The root of `2^n` hashes that stand side by side. */
export function foldPerfect(hashes: Uint8Array, hash: TreeHash): Uint8Array {
  let row: Uint8Array[] = [];
  for (let at = 0; at < hashes.length; at += HASH_BYTES) row.push(hashes.subarray(at, at + HASH_BYTES));
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let n = 0; n + 1 < row.length; n += 2) above.push(hash.node(row[n] as Uint8Array, row[n + 1] as Uint8Array));
    row = above;
  }
  return row[0] ?? hash.empty();
}
