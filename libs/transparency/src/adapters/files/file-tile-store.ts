import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { joinNotes, splitNotes } from '../../domain/cosigned-notes.js';
import { TILE_WIDTH } from '../../domain/merkle-tree.js';
import { tileIndexPath, type TilePlace } from '../../domain/tile.js';
import { HASH_BYTES } from '../../domain/tree-hash.js';
import type { TileStore } from '../../ports/tile-store.js';

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
const GROWING = '.growing';

/**
 * One log in a folder: `checkpoint` and `tile/<L>/<N>`, as C2SP serves them, and `cosigned`. A tile that is not full yet stands in
 * `<N>.growing`, to which hashes are appended: a narrower tile is the beginning of a wider one, so that one file does
 * for all of them. A full tile never changes.
 */
export class FileTileStore implements TileStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async readTile(place: TilePlace): Promise<Uint8Array | null> {
    const path = this.#path(place);
    // A tile may get full, and be renamed, between the two looks.
    return (await readOrNull(path)) ?? (await readOrNull(path + GROWING)) ?? (await readOrNull(path));
  }

  async writeTile(place: TilePlace, width: number, hashes: Uint8Array): Promise<void> {
    const from = width * HASH_BYTES;
    const end = from + hashes.length;
    if (hashes.length % HASH_BYTES !== 0 || end > TILE_BYTES) throw new RangeError('a tile has at most 256 hashes');
    const path = this.#path(place);
    const growing = path + GROWING;
    await mkdir(dirname(path), { recursive: true });
    await rename(path, growing).catch(ignoreMissing);
    const file = await open(growing, width === 0 ? 'w' : 'r+');
    try {
      const { size } = await file.stat();
      if (size < from) throw new RangeError(`the tile has fewer than ${width} hashes`);
      await file.truncate(from);
      await file.write(hashes, 0, hashes.length, from);
      await file.datasync();
    } finally {
      await file.close();
    }
    if (end === TILE_BYTES) await rename(growing, path);
    if (width === 0 || end === TILE_BYTES) await syncDirectory(dirname(path));
  }

  async readCheckpoint(): Promise<string | null> {
    const bytes = await readOrNull(join(this.#directory, 'checkpoint'));
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  }

  async writeCheckpoint(note: string): Promise<void> {
    await this.#replace('checkpoint', note);
  }

  async readCosigned(): Promise<readonly string[]> {
    const bytes = await readOrNull(join(this.#directory, 'cosigned'));
    return bytes === null ? [] : splitNotes(Buffer.from(bytes).toString('utf8'));
  }

  async writeCosigned(notes: readonly string[]): Promise<void> {
    await this.#replace('cosigned', joinNotes(notes));
  }

  async #replace(name: string, text: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const path = join(this.#directory, name);
    const draft = `${path}.${randomBytes(4).toString('hex')}.new`;
    try {
      const file = await open(draft, 'wx');
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await syncDirectory(this.#directory);
  }

  #path({ level, index }: TilePlace): string {
    return join(this.#directory, 'tile', String(level), tileIndexPath(index));
  }
}

async function readOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
