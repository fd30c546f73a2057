import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SegmentFile } from './segment-file.js';
import { SegmentStore } from './segment-store.js';
import { nodeDevice } from './segment-device.js';
import { segmentName } from './segment-header.js';

describe('SegmentStore', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nextmodel-store-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const makeSegment = (sequence: number): void => {
    const header = { sequence, previousBytes: 0, createdAtMs: 0, next: new Map<string, number>() };
    SegmentFile.create(nodeDevice, directory, header, null).close();
  };

  it.runIf(process.platform === 'linux')('lets go of files that retention has deleted', () => {
    for (const sequence of [1, 2, 3]) makeSegment(sequence);
    const store = new SegmentStore(directory);
    for (const sequence of store.list()) store.open(sequence);
    expect(openFiles(directory)).toHaveLength(3);
    for (const sequence of [1, 2]) rmSync(join(directory, segmentName(sequence)));

    store.list();

    expect(openFiles(directory)).toEqual([join(directory, segmentName(3))]);
    expect(() => store.open(1)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    store.close();
    expect(openFiles(directory)).toHaveLength(0);
  });

  it.runIf(process.platform === 'linux')('keeps the last eight segments open that it has read, and no more', () => {
    for (let sequence = 1; sequence <= 30; sequence += 1) makeSegment(sequence);
    const store = new SegmentStore(directory);
    const byte = Buffer.alloc(1);
    const most: number[] = [];

    for (let pass = 0; pass < 3; pass += 1) {
      for (const sequence of store.list()) {
        store.read(sequence, byte, 0);
        most.push(openFiles(directory).length);
      }
    }

    expect(Math.max(...most)).toBe(8);
    expect(openFiles(directory).toSorted()).toEqual(
      Array.from({ length: 8 }, (_, n) => join(directory, segmentName(23 + n))),
    );
    store.close();
    expect(openFiles(directory)).toHaveLength(0);
  });
});

function openFiles(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${descriptor}`);
      return file.startsWith(directory) ? [file] : [];
    } catch {
      return [];
    }
  });
}
