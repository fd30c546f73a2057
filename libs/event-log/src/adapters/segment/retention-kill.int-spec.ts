import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSegmentReader, openSegmentWriter, retainSegments } from '../../event-log.module.js';

const TOPIC = 'nextmodel.receipts';
const RECORDS = 60;
const FAR_FUTURE_MS = Date.parse('2100-01-01');
const HOOKS = fileURLToPath(new URL('../../../../../tools/typescript-hooks.mjs', import.meta.url));
const moduleUrl = (file: string): string => new URL(file, import.meta.url).href;

/** Deletes what is old, and dies when it has deleted as many segments as it is told. */
const CHILD = `
import ${JSON.stringify(HOOKS)};
const { arm } = await import(${JSON.stringify(moduleUrl('../../../../events/src/ports/failpoint.ts'))});
const { retainSegments } = await import(${JSON.stringify(moduleUrl('retain-segments.ts'))});
const [directory, at] = process.argv.slice(1);
let passages = 0;
arm((point) => {
  if (point === 'segment_unlinked' && (passages += 1) === Number(at)) process.kill(process.pid, 'SIGKILL');
});
await retainSegments({
  directory, partition: 0, maxBytes: Number.MAX_SAFE_INTEGER, minOffsets: new Map(),
  topicMaxAgeMs: new Map([['${TOPIC}', 1000]]), nowMs: ${FAR_FUTURE_MS},
});
`;

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nextmodel-retention-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

describe('SIGKILL between the deletion of old segments and the sync of their directory', () => {
  it.each([1, 2, 4])('after %i of them leaves a log that is opened, read and cleaned as if nothing was', async (at) => {
    await append(0, RECORDS);
    const before = segments();

    const child = spawnSync(
      process.execPath,
      ['--conditions=nextmodel-source', '--input-type=module', '-e', CHILD, directory, String(at)],
      { encoding: 'utf8' },
    );

    expect([child.signal, child.stderr]).toEqual(['SIGKILL', '']);
    expect(segments()).toEqual(before.slice(at));
    const rest = await readAll();
    await append(RECORDS, RECORDS + 5);
    expect(await readAll()).toEqual([...rest, ...numbers(RECORDS, RECORDS + 5)]);
    const { deleted } = await retainSegments({
      directory,
      partition: 0,
      maxBytes: Number.MAX_SAFE_INTEGER,
      minOffsets: new Map(),
      topicMaxAgeMs: new Map([[TOPIC, 1_000]]),
      nowMs: FAR_FUTURE_MS,
    });
    expect(deleted.length).toBeGreaterThan(0);
    await append(RECORDS + 5, RECORDS + 6);
    expect((await readAll()).at(-1)).toBe(String(RECORDS + 5));
  });
});

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => String(from + at));
const segments = (): readonly string[] =>
  fs
    .readdirSync(path.join(directory, '0'))
    .filter((name) => name.endsWith('.log'))
    .toSorted();

async function append(from: number, to: number): Promise<void> {
  const writer = await openSegmentWriter({ directory, partition: 0, durability: 'strict', segmentBytesMax: 1_024 });
  for (const number of numbers(from, to)) {
    await writer.append([{ topic: TOPIC, key: number, value: number.padStart(200), headers: {} }]).durable;
  }
  await writer.close();
}

async function readAll(): Promise<string[]> {
  const reader = openSegmentReader({ directory });
  const read: string[] = [];
  let { first: offset } = await reader.bounds(TOPIC, 0);
  for (;;) {
    const batch = await reader.read(
      { topic: TOPIC, partition: 0, offset },
      { recordsMax: 100, bytesMax: 1_000_000, waitMs: 0 },
    );
    if (batch.records.length === 0) break;
    read.push(...batch.records.map(({ key }) => key ?? ''));
    offset = batch.nextOffset;
  }
  await reader.close();
  return read;
}
