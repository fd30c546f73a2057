import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  createLogSubscriber,
  openFileCheckpoints,
  openSegmentReader,
  openSegmentWriter,
} from '../../event-log.module.js';
import { type EventLogSet, eventLogContract } from '../../ports/event-log.contract.js';

const directories = new WeakMap<EventLogSet, string>();

const VARIANTS = [
  ['strict', 64 * 1024 * 1024],
  ['fast', 64 * 1024 * 1024],
  ['strict', 4096],
] as const;

for (const [durability, segmentBytesMax] of VARIANTS) {
  const open = (directory: string): Promise<EventLogSet> => openSet(directory, durability, segmentBytesMax);
  eventLogContract(`segment files, ${durability}, ${segmentBytesMax} bytes each`, {
    open: () => open(fs.mkdtempSync(path.join(os.tmpdir(), 'segment-log-'))),
    reopen: async (before) => {
      const directory = directories.get(before) as string;
      directories.delete(before);
      await before.close();
      return open(directory);
    },
  });
}

async function openSet(
  directory: string,
  durability: 'strict' | 'fast',
  segmentBytesMax: number,
): Promise<EventLogSet> {
  const log = path.join(directory, 'log');
  const writer = await openSegmentWriter({ directory: log, partition: 0, durability, segmentBytesMax });
  const reader = openSegmentReader({ directory: log });
  const checkpoints = openFileCheckpoints(path.join(directory, 'checkpoints'));
  const subscriber = createLogSubscriber({ reader, checkpoints });
  const set: EventLogSet = {
    writer,
    reader,
    subscriber,
    checkpoints,
    close: async () => {
      await subscriber.close();
      await writer.close();
      await reader.close();
      if (directories.has(set)) fs.rmSync(directory, { recursive: true, force: true });
    },
  };
  directories.set(set, directory);
  return set;
}
