import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growTiles } from '../__fixtures__/grown-tree.js';
import { decodeEntryBundle, encodeEntryBundle } from './entry-bundle.js';
import { parseTilePath, tileIndexPath, tilePath, tileWidth } from './tile.js';

const width = (level: number, index: number): number => tileWidth({ level, index }, 70_000);

describe('tile paths', () => {
  it('are those of C2SP', () => {
    expect(tileIndexPath(1_234_067)).toBe('x001/x234/067');
    expect(tilePath({ level: 0, index: 5, width: 256 })).toBe('tile/0/005');
    expect(tilePath({ level: 1, index: 1000, width: 12 })).toBe('tile/1/x001/000.p/12');
    expect(tilePath({ level: 'entries', index: 0, width: 1 })).toBe('tile/entries/000.p/1');
  });

  it('are read back, and no other spelling is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<number | 'entries'>('entries', 0, 1, 7, 63),
        fc.nat({ max: 2 ** 40 }),
        fc.integer({ min: 1, max: 256 }),
        (level, index, count) => {
          const name = { level, index, width: count };

          expect(parseTilePath(tilePath(name))).toEqual(name);
        },
      ),
    );
    for (const path of [
      'tile/0/5',
      'tile/00/005',
      'tile/64/005',
      'tile/0/000.p/256',
      'tile/0/000.p/0',
      'tile/0/000.p/01',
      'tile/0/x000/005',
      'tile/0/../005',
      'tile/0/005/',
      'tile/-1/005',
      'checkpoint',
    ]) {
      expect(parseTilePath(path), path).toBeNull();
    }
  });

  it('name the widths that a tree of 70,000 leaves has', () => {
    expect([width(0, 272), width(0, 273), width(0, 274), width(1, 0), width(1, 1), width(2, 0), width(3, 0)]).toEqual([
      256, 112, 0, 256, 17, 1, 0,
    ]);
    expect([...growTiles(256).tiles.keys()].sort()).toEqual(['0/0', '1/0']);
  });
});

describe('entry bundles', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 });

  it('give the entries back', () => {
    fc.assert(
      fc.property(entries, (given) => {
        expect(decodeEntryBundle(encodeEntryBundle(given) as Uint8Array)).toEqual(given);
      }),
    );
  });

  it('are refused when they were cut', () => {
    const bundle = encodeEntryBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]) as Uint8Array;

    expect([...bundle]).toEqual([0, 3, 1, 2, 3, 0, 1, 4]);
    for (const length of [1, 2, 4, 6, 7]) expect(decodeEntryBundle(bundle.slice(0, length))).toBeNull();
  });

  it('take no entry of 64 KiB', () => {
    expect(encodeEntryBundle([new Uint8Array(65_535)])?.length).toBe(65_537);
    expect(encodeEntryBundle([new Uint8Array(65_536)])).toBeNull();
  });
});
