import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openFileCheckpoints } from '../../event-log.module.js';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) fs.rmSync(directory, { recursive: true, force: true });
});
const fresh = (): string => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'file-checkpoints-'));
  directories.push(directory);
  return directory;
};

describe('checkpoints in files', () => {
  it('are there for the next process', async () => {
    const directory = path.join(fresh(), 'made', 'when missing');
    const before = openFileCheckpoints(directory);
    await before.save('receipt-ingester', 'nextmodel.receipts', 3, 9_007_199_254_740_993n);
    await before.save('receipt-ingester', 'nextmodel.receipts', 12, 5n);

    const after = openFileCheckpoints(directory);

    expect(await after.load('receipt-ingester', 'nextmodel.receipts', 3)).toBe(9_007_199_254_740_993n);
    expect(await after.load('receipt-ingester', 'nextmodel.receipts', 12)).toBe(5n);
    expect(await after.load('receipt-ingester', 'nextmodel.receipts', 1)).toBeNull();
    await after.remove('receipt-ingester');
    expect(await openFileCheckpoints(directory).load('receipt-ingester', 'nextmodel.receipts', 3)).toBeNull();
  });

  it('are seen by a process that only watches the group', async () => {
    const directory = fresh();
    const [consumer, watcher] = [openFileCheckpoints(directory), openFileCheckpoints(directory)];

    expect(await watcher.load('g', 't', 0)).toBeNull();
    for (const offset of [1n, 7n]) {
      await consumer.save('g', 't', 0, offset);
      expect(await watcher.load('g', 't', 0)).toBe(offset);
    }
  });

  it('keep the newest of many saves at once, and leave one file for each group, whatever its name', async () => {
    const directory = fresh();
    const checkpoints = openFileCheckpoints(directory);
    const groups = ['a', '../a', 'a/b', 'größe 😀'];

    await Promise.all(
      groups.flatMap((group) => Array.from({ length: 40 }, (_, n) => checkpoints.save(group, 't', n % 4, BigInt(n)))),
    );

    const after = openFileCheckpoints(directory);
    for (const group of groups) {
      for (const partition of [0, 1, 2, 3]) {
        expect(await after.load(group, 't', partition)).toBe(BigInt(36 + partition));
      }
    }
    expect(fs.readdirSync(directory)).toHaveLength(groups.length);
  });

  it('keep the older value when a save fails, and take the next one', async () => {
    const directory = fresh();
    const checkpoints = openFileCheckpoints(directory);
    await checkpoints.save('g', 't', 0, 1n);
    const aside = `${directory}-aside`;
    fs.renameSync(directory, aside);

    await expect(checkpoints.save('g', 't', 0, 2n)).rejects.toThrow('ENOENT');
    fs.renameSync(aside, directory);
    expect(await openFileCheckpoints(directory).load('g', 't', 0)).toBe(1n);

    await checkpoints.save('g', 't', 0, 3n);
    expect(await openFileCheckpoints(directory).load('g', 't', 0)).toBe(3n);
  });
});
