import { describe, expect, it } from 'vitest';
import type { TileStore } from './tile-store.js';

const hashes = (from: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count * 32 }, (_, n) => (from + Math.floor(n / 32)) % 251);

/** Every tile store passes this. `open` gives a fresh one, and each call of the returned function a view of the same. */
export function tileStoreContract(name: string, open: () => Promise<() => TileStore>): void {
  const place = { level: 0, index: 1_234_067 };

  describe(`TileStore: ${name}`, () => {
    it('has nothing at first', async () => {
      const store = (await open())();

      expect(await store.readTile(place)).toBeNull();
      expect(await store.readCheckpoint()).toBeNull();
      expect(await store.readCosigned()).toEqual([]);
    });

    it('lets a tile grow until it is full, readable at every width', async () => {
      const view = await open();

      for (const [from, count] of [
        [0, 1],
        [1, 99],
        [100, 155],
        [255, 1],
      ] as const) {
        await view().writeTile(place, from, hashes(from, count));
        expect(Buffer.from((await view().readTile(place)) ?? [])).toEqual(Buffer.from(hashes(0, from + count)));
      }
    });

    it('forgets what stood behind the place of writing, also in a full tile', async () => {
      const view = await open();
      await view().writeTile(place, 0, hashes(0, 256));

      await view().writeTile(place, 10, hashes(40, 3));

      const tile = Buffer.from((await view().readTile(place)) ?? []);
      expect(tile).toEqual(Buffer.concat([hashes(0, 10), hashes(40, 3)]));
    });

    it('writes the same again without a change', async () => {
      const view = await open();
      for (const _ of [1, 2, 3]) await view().writeTile(place, 0, hashes(0, 256));

      expect(Buffer.from((await view().readTile(place)) ?? [])).toEqual(Buffer.from(hashes(0, 256)));
    });

    it('refuses a hole and more than a tile holds', async () => {
      const store = (await open())();
      await store.writeTile(place, 0, hashes(0, 3));

      await expect(store.writeTile(place, 4, hashes(4, 1))).rejects.toThrow(RangeError);
      await expect(store.writeTile(place, 3, hashes(3, 254))).rejects.toThrow(RangeError);
      await expect(store.writeTile(place, 3, new Uint8Array(31))).rejects.toThrow(RangeError);
    });

    it('keeps levels and indexes apart', async () => {
      const view = await open();
      await view().writeTile({ level: 0, index: 0 }, 0, hashes(1, 1));
      await view().writeTile({ level: 0, index: 1000 }, 0, hashes(2, 1));
      await view().writeTile({ level: 1, index: 0 }, 0, hashes(3, 1));

      const first = async (level: number, index: number) => (await view().readTile({ level, index }))?.[0];
      expect([await first(0, 0), await first(0, 1000), await first(1, 0)]).toEqual([1, 2, 3]);
    });

    it('gives the newest checkpoint back, byte for byte', async () => {
      const view = await open();
      await view().writeCheckpoint('a\n1\n\n— é\n');
      await view().writeCheckpoint('a\n2\n\n— é\n');

      expect(await view().readCheckpoint()).toBe('a\n2\n\n— é\n');
    });

    it('gives all cosigned checkpoints back, byte for byte', async () => {
      const view = await open();
      const notes = ['a\n2\n\n— é\n— w\n', 'a\n1\n\n— é\n'];
      await view().writeCosigned(['a\n1\n\n— x\n']);
      await view().writeCosigned(notes);

      expect(await view().readCosigned()).toEqual(notes);
    });
  });
}
