import { describe, expect, it } from 'vitest';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { growTiles, naiveRoot, numberedLeaves } from '../__fixtures__/grown-tree.js';
import { GrowingTree } from './merkle-tree.js';
import { consistencyProof, inclusionProof, isConsistent, rootFromInclusion } from './merkle-proof.js';
import { subtreesFromTiles } from './tile.js';
import { createTreeHash, toHex } from './tree-hash.js';

const hash = createTreeHash(sha256);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** The test leaves of Certificate Transparency and the roots of the first 1 to 8 of them. */
const CT_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(hex);
const CT_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const BORDERS = [1, 2, 3, 7, 8, 9, 100, 255, 256, 257, 511, 512, 513, 700];

describe('the Merkle tree of RFC 6962', () => {
  it('has the known roots of 0 to 8 leaves', () => {
    const tree = new GrowingTree(hash);
    const roots = CT_LEAVES.map((leaf) => {
      tree.append(hash.leaf(leaf), () => undefined);
      return toHex(tree.root());
    });

    expect(roots).toEqual(CT_ROOTS);
    expect(toHex(new GrowingTree(hash).root())).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  it('has the root that the definition gives, at every size up to 700', () => {
    const leaves = numberedLeaves(700);
    const tree = new GrowingTree(hash);
    for (const [n, leaf] of leaves.entries()) {
      tree.append(leaf, () => undefined);
      if (n % 37 === 0 || BORDERS.includes(n + 1)) expect(tree.root()).toEqual(naiveRoot(leaves.slice(0, n + 1)));
    }
  });

  it('goes on from its edge as if it had never stopped', () => {
    const leaves = numberedLeaves(600);
    for (const size of BORDERS.filter((each) => each < 600)) {
      const { subtree } = growTiles(size);
      const tree = new GrowingTree(hash, size, edgeOf(size, subtree));
      for (const leaf of leaves.slice(size)) tree.append(leaf, () => undefined);

      expect(tree.root()).toEqual(naiveRoot(leaves));
    }
  });

  it('refuses the edge of another size', () => {
    expect(() => new GrowingTree(hash, 3, [hash.empty()])).toThrow(RangeError);
  });
});

describe('inclusion proofs', () => {
  it('lead from every leaf to the root, at and around the borders of tiles', () => {
    let proofs = 0;
    for (const size of BORDERS) {
      const { subtree, leaves, root } = growTiles(size);
      for (let index = 0; index < size; index += size < 20 ? 1 : 7) {
        const proof = inclusionProof(index, size, subtree, hash);

        expect(rootFromInclusion(index, size, leaves[index] as Uint8Array, proof, hash)).toEqual(root);
        proofs += 1;
      }
    }
    expect(proofs).toBeGreaterThan(200);
  });

  it('lead nowhere else: another leaf, index or size, a hash changed, missing or too many', () => {
    for (const size of BORDERS.filter((each) => each > 1)) {
      const { subtree, leaves, root } = growTiles(size);
      for (const index of indexesOf(size)) {
        const leaf = leaves[index] as Uint8Array;
        const proof = inclusionProof(index, size, subtree, hash);
        const lead = (at: number, of: number, from: Uint8Array, hashes: readonly Uint8Array[]) =>
          rootFromInclusion(at, of, from, hashes, hash);

        expect(lead(index, size, flip(leaf), proof)).not.toEqual(root);
        expect(lead((index + 1) % size, size, leaf, proof)).not.toEqual(root);
        for (const n of proof.keys())
          expect(lead(index, size, leaf, proof.with(n, flip(proof[n] as Uint8Array)))).not.toEqual(root);
        expect(lead(index, size, leaf, proof.slice(0, -1))).toBeNull();
        expect(lead(index, size, leaf, [...proof, root])).toBeNull();
        expect(lead(size, size, leaf, proof)).toBeNull();
      }
    }
  });

  it('exist only for leaves that are there', () => {
    const { subtree } = growTiles(5);

    for (const index of [-1, 5, 0.5]) expect(() => inclusionProof(index, 5, subtree, hash)).toThrow(RangeError);
  });
});

describe('consistency proofs', () => {
  it('hold between all pairs of sizes around the borders, and no other roots', () => {
    let proofs = 0;
    for (const to of BORDERS) {
      const newer = growTiles(to);
      for (const from of BORDERS.filter((each) => each <= to)) {
        const older = growTiles(from);
        const proof = consistencyProof(from, to, newer.subtree, hash);
        const holds = (a: Uint8Array, b: Uint8Array, hashes: readonly Uint8Array[]) =>
          isConsistent({ size: from, root: a }, { size: to, root: b }, hashes, hash);

        expect(holds(older.root, newer.root, proof)).toBe(true);
        expect(holds(flip(older.root), newer.root, proof)).toBe(false);
        expect(holds(older.root, flip(newer.root), proof)).toBe(false);
        for (const n of proof.keys()) {
          expect(holds(older.root, newer.root, proof.with(n, flip(proof[n] as Uint8Array)))).toBe(false);
        }
        if (proof.length > 0) expect(holds(older.root, newer.root, proof.slice(0, -1))).toBe(false);
        expect(holds(older.root, newer.root, [...proof, newer.root])).toBe(false);
        proofs += 1;
      }
    }
    expect(proofs).toBeGreaterThan(100);
  });

  it('do not run backwards, and anything grew from the empty tree', () => {
    const { subtree, root } = growTiles(7);

    expect(() => consistencyProof(8, 7, subtree, hash)).toThrow(RangeError);
    expect(isConsistent({ size: 8, root }, { size: 7, root }, [], hash)).toBe(false);
    expect(isConsistent({ size: 0, root: hash.empty() }, { size: 7, root }, [], hash)).toBe(true);
  });
});

describe('a tree read from tiles', () => {
  it('says which tile is too short', () => {
    const { tiles } = growTiles(513);
    const cut = new Map([...tiles].map(([key, tile]) => [key, key === '0/1' ? tile.slice(0, 255 * 32) : tile]));

    expect(() => inclusionProof(300, 513, subtreesFromTiles(cut, hash), hash)).toThrow('tile/0/001 is missing');
  });
});

const edgeOf = (size: number, subtree: ReturnType<typeof growTiles>['subtree']): Uint8Array[] => {
  const edge: Uint8Array[] = [];
  let start = 0;
  for (let height = 20; height >= 0; height -= 1) {
    if (size - start < 2 ** height) continue;
    edge.push(subtree({ height, index: start / 2 ** height }));
    start += 2 ** height;
  }
  return edge;
};
const flip = (bytes: Uint8Array): Uint8Array => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
const indexesOf = (size: number): number[] =>
  [...new Set([0, 1, 2, 5, 127, 128, 254, 255, 256, 257, 383, 510, 511, 512, size - 2, size - 1, size >> 1])].filter(
    (index) => index >= 0 && index < size,
  );
