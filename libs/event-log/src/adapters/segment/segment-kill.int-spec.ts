import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { StoredRecord } from '#events/domain/event-record.js';
import { openSegmentReader, openSegmentWriter } from '../../event-log.module.js';
import type { TornTail } from './recover-segment.js';

const TOPIC = 'nextmodel.receipts';
const OTHER = 'nextmodel.requests';
const WRITER = fileURLToPath(new URL('open-segment-writer.ts', import.meta.url));
const ROUNDS = 12;

/** A process that appends for ever and prints the number of every append when it is written. */
const CHILD = `
import { registerHooks } from 'node:module';
import { writeSync } from 'node:fs';
registerHooks({
  resolve(specifier, context, next) {
    try { return next(specifier, context); } catch (error) {
      if (!specifier.endsWith('.js')) throw error;
      return next(specifier.slice(0, -3) + '.ts', context);
    }
  },
});
const { openSegmentWriter } = await import(${JSON.stringify(WRITER)});
const [directory, from, segmentBytesMax] = process.argv.slice(1);
const writer = await openSegmentWriter({ directory, partition: 0, durability: 'strict', segmentBytesMax: Number(segmentBytesMax) });
let n = Number(from);
const one = async () => {
  for (;;) {
    const own = n++;
    const value = String(own).padEnd(20 + (own * 37) % 1500, '.');
    await writer.append([
      { topic: ${JSON.stringify(TOPIC)}, key: 'k', value, headers: {} },
      { topic: ${JSON.stringify(OTHER)}, key: 'k', value: String(own), headers: {} },
    ]).written;
    writeSync(1, own + '\\n');
  }
};
for (let writers = 0; writers < 20; writers++) one();
`;

const children: ChildProcess[] = [];
const directories: string[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const directory of directories.splice(0)) fs.rmSync(directory, { recursive: true, force: true });
});

async function runUntilKilled(directory: string, from: number, runMs: number): Promise<number[]> {
  const args = ['--conditions=nextmodel-source', '--input-type=module', '-e', CHILD, directory, String(from), '60000'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let errors = '';
  child.stderr.on('data', (text) => (errors += String(text)));
  const written: number[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    if (written.length === 0) setTimeout(() => child.kill('SIGKILL'), runMs);
    written.push(Number(line));
  });
  await Promise.all([
    new Promise((resolve) => child.once('exit', resolve)),
    new Promise((resolve) => lines.once('close', resolve)),
  ]);
  expect({ written: written.length > 0, errors: written.length > 0 ? '' : errors }).toEqual({
    written: true,
    errors: '',
  });
  return written;
}

function numberOf(record: StoredRecord): number {
  return Number.parseInt(Buffer.from(record.value).toString(), 10);
}

async function readNumbers(reader: ReturnType<typeof openSegmentReader>, topic: string): Promise<number[]> {
  const numbers: number[] = [];
  for (let offset = 0n; ;) {
    const limits = { recordsMax: 5000, bytesMax: 1e7, waitMs: 0 };
    const batch = await reader.read({ topic, partition: 0, offset }, limits);
    if (batch.records.length === 0) return numbers;
    for (const record of batch.records) {
      expect(record.offset).toBe(BigInt(numbers.length));
      numbers.push(numberOf(record));
    }
    offset = batch.nextOffset;
  }
}

describe('a writer that is killed again and again', () => {
  it('keeps every append that was written, whole and in order, and readers follow from another process', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'segment-kill-'));
    directories.push(directory);
    const following = openSegmentReader({ directory });
    const written = new Set<number>();
    const torn: TornTail[] = [];
    const live: number[] = [];
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      for (let offset = 0n; !stop.signal.aborted;) {
        const limits = { recordsMax: 500, bytesMax: 1e7, waitMs: 5000 };
        const batch = await following.read({ topic: TOPIC, partition: 0, offset }, limits, stop.signal);
        expect(batch.records[0]?.offset ?? offset).toBe(offset);
        live.push(...batch.records.map(numberOf));
        offset = batch.nextOffset;
      }
    };
    const followed = follow();
    let from = 0;

    for (let round = 0; round < ROUNDS; round += 1) {
      for (const n of await runUntilKilled(directory, from, 20 + ((round * 53) % 200))) written.add(n);

      const writer = await openSegmentWriter({
        directory,
        partition: 0,
        durability: 'strict',
        onTornTail: (tail) => torn.push(tail),
      });
      await writer.close();
      const late = openSegmentReader({ directory });
      const numbers = await readNumbers(late, TOPIC);
      const kept = new Set(numbers);

      expect([...written].filter((n) => !kept.has(n))).toEqual([]);
      expect(kept.size).toBe(numbers.length);
      expect(await readNumbers(late, OTHER)).toEqual(numbers);
      await expect.poll(() => live.length).toBe(numbers.length);
      expect(live).toEqual(numbers);
      from = Math.max(...numbers) + 1;
      await late.close();
    }

    expect(fs.readdirSync(path.join(directory, '0')).length).toBeGreaterThan(ROUNDS / 2);
    stop.abort();
    await followed;
    await following.close();
  });
});
