import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tileIndexPath } from '#transparency/domain/tile.js';
import type { TileReader } from '#transparency/ports/tile-store.js';

/**
 * Tiles in a folder: a copy of what the instance serves (`tile/<L>/<N>` and `tile/<L>/<N>.p/<W>`, of which the widest
 * is taken), or `<dataDir>/transparency/receipts/<partition>` itself.
 */
export function tilesInFolder(folder: string): TileReader {
  return {
    readTile: async ({ level, index }) => {
      const path = join(folder, 'tile', String(level), tileIndexPath(index));
      const names = await readdir(dirname(path)).catch(() => [] as string[]);
      const name = basename(path);
      if (names.includes(name)) return readFile(path);
      if (names.includes(`${name}.growing`)) return readFile(`${path}.growing`);
      const widths = (await readdir(`${path}.p`).catch(() => [] as string[])).map(Number).filter(Number.isInteger);
      return widths.length === 0 ? null : readFile(join(`${path}.p`, String(Math.max(...widths))));
    },
  };
}
