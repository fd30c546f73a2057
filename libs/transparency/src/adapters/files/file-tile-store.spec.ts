import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tileStoreContract } from '../../ports/tile-store.contract.js';
import { FileTileStore } from './file-tile-store.js';

const root = mkdtempSync(join(tmpdir(), 'tiles-'));
let count = 0;
const fresh = (): string => join(root, String((count += 1)));
afterAll(() => rmSync(root, { recursive: true, force: true }));

tileStoreContract('files', async () => {
  const directory = fresh();
  return () => new FileTileStore(directory);
});

describe('tiles in files', () => {
  it('stand under their C2SP names as soon as they are full', async () => {
    const directory = fresh();
    const store = new FileTileStore(directory);
    const place = { level: 0, index: 1_067 };

    await store.writeTile(place, 0, new Uint8Array(255 * 32));
    expect(readdirSync(join(directory, 'tile/0/x001'))).toEqual(['067.growing']);
    await store.writeTile(place, 255, new Uint8Array(32));

    expect(readdirSync(join(directory, 'tile/0/x001'))).toEqual(['067']);
  });
});
