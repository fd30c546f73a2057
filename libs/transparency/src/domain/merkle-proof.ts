import { perfectSubtrees, type PerfectSubtree, type SubtreeHash } from './merkle-tree.js';
import { sameBytes, type TreeHash } from './tree-hash.js';

const largestPowerBelow = (n: number): number => {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
};

/** Root of the leaves `[start, end)`, where `start` is where RFC 6962 would split. */
function rangeRoot(start: number, end: number, subtree: SubtreeHash, hash: TreeHash): Uint8Array {
  const parts = perfectSubtrees(end - start).map(({ height, index }): PerfectSubtree => ({
    height,
    index: index + start / 2 ** height,
  }));
  const hashes = parts.map(subtree);
  const last = hashes.at(-1) as Uint8Array;
  return hashes.slice(0, -1).reduceRight((right, left) => hash.node(left, right), last);
}

/**
 * RFC 6962 §2.1.1: the hashes from a leaf's sibling up to the root's child.
 * @throws RangeError unless `0 ≤ index < size`.
 */
export function inclusionProof(
  index: number,
  size: number,
  subtree: SubtreeHash,
  hash: TreeHash,
): readonly Uint8Array[] {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) {
    throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  }
  const path: Uint8Array[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + largestPowerBelow(end - start);
    if (index < middle) {
      path.push(rangeRoot(middle, end, subtree, hash));
      end = middle;
    } else {
      path.push(rangeRoot(start, middle, subtree, hash));
      start = middle;
    }
  }
  return path.toReversed();
}

/**
 * RFC 6962 §2.1.2: shows that the first `from` leaves of a tree of `to` leaves are those of the older tree.
 * @throws RangeError unless `0 < from ≤ to`.
 */
export function consistencyProof(
  from: number,
  to: number,
  subtree: SubtreeHash,
  hash: TreeHash,
): readonly Uint8Array[] {
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from > 0 && from <= to)) {
    throw new RangeError(`no consistency from ${from} to ${to}`);
  }
  const path: Uint8Array[] = [];
  let start = 0;
  let end = to;
  let whole = true;
  while (from !== end) {
    const middle = start + largestPowerBelow(end - start);
    if (from <= middle) {
      path.push(rangeRoot(middle, end, subtree, hash));
      end = middle;
    } else {
      path.push(rangeRoot(start, middle, subtree, hash));
      start = middle;
      whole = false;
    }
  }
  if (!whole) path.push(rangeRoot(start, end, subtree, hash));
  return path.toReversed();
}

/**
 * The root that a leaf and its proof lead to (RFC 9162 §2.1.3.2); compare it with a signed one.
 * @returns `null` when the proof has too few or too many hashes for that place.
 */
export function rootFromInclusion(
  index: number,
  size: number,
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
  hash: TreeHash,
): Uint8Array | null {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) return null;
  let at = index;
  let last = size - 1;
  let root = leafHash;
  for (const sibling of proof) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      root = hash.node(sibling, root);
      while (at % 2 === 0 && at !== 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else root = hash.node(root, sibling);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? root : null;
}

/** RFC 9162 §2.1.4.2: do both roots belong to one log that only grew? */
export function isConsistent(
  from: { readonly size: number; readonly root: Uint8Array },
  to: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
  hash: TreeHash,
): boolean {
  if (from.size > to.size || from.size < 0) return false;
  if (from.size === to.size) return proof.length === 0 && sameBytes(from.root, to.root);
  if (from.size === 0) return proof.length === 0;
  const isPower = perfectSubtrees(from.size).length === 1;
  const path = isPower ? [from.root, ...proof] : proof;
  let at = from.size - 1;
  let last = to.size - 1;
  while (at % 2 === 1) {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  const first = path[0];
  if (first === undefined) return false;
  let older = first;
  let newer = first;
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      older = hash.node(sibling, older);
      newer = hash.node(sibling, newer);
      while (at % 2 === 0 && at !== 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else newer = hash.node(newer, sibling);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && sameBytes(older, from.root) && sameBytes(newer, to.root);
}
