import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { NewRecord } from '#events/domain/event-record.js';
import { RouterError } from '#events/domain/router-error.js';
import { openSegmentReader, openSegmentWriter } from '../../event-log.module.js';
import type { TornTail } from './recover-segment.js';

const TOPIC = 'nextmodel.receipts';
const directories: string[] = [];
const fresh = (): string => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'segment-recovery-'));
  directories.push(directory);
  return directory;
};
afterEach(() => {
  for (const directory of directories.splice(0)) fs.rmSync(directory, { recursive: true, force: true });
});

const record = (text: string): NewRecord => ({ topic: TOPIC, key: 'k', value: text, headers: { ce_id: `k/${text}` } });
const segmentFile = (directory: string): string => path.join(directory, '0', '000000000001.log');

/** Writes one segment; gives its bytes and where each append ends. */
async function written(appends: readonly (readonly string[])[]): Promise<{ bytes: Buffer; ends: number[] }> {
  const directory = fresh();
  const writer = await openSegmentWriter({ directory, partition: 0, durability: 'strict' });
  const ends: number[] = [];
  for (const texts of appends) {
    await writer.append(texts.map(record)).durable;
    ends.push(fs.statSync(segmentFile(directory)).size);
  }
  await writer.close();
  return { bytes: fs.readFileSync(segmentFile(directory)), ends };
}

/** Opens a log whose only segment has these bytes, appends one record, and reads all of it. */
async function reopened(bytes: Buffer): Promise<{ texts: string[]; torn: TornTail[]; saved: Buffer[] }> {
  const directory = fresh();
  fs.mkdirSync(path.join(directory, '0'));
  fs.writeFileSync(segmentFile(directory), bytes);
  const torn: TornTail[] = [];
  const onTornTail = (tail: TornTail): void => void torn.push(tail);
  const writer = await openSegmentWriter({ directory, partition: 0, durability: 'fast', onTornTail });
  await writer.append([record('new')]).written;
  const texts = await readTexts(directory);
  await writer.close();
  expect(await readTexts(directory)).toEqual(texts);
  const saved = torn.map((tail) => fs.readFileSync(path.join(directory, '0', tail.savedAs ?? '')));
  fs.rmSync(directory, { recursive: true });
  return { texts, torn, saved };
}

async function readTexts(directory: string): Promise<string[]> {
  const reader = openSegmentReader({ directory });
  const limits = { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 };
  const { records } = await reader.read({ topic: TOPIC, partition: 0, offset: 0n }, limits);
  await reader.close();
  expect(records.map((each) => each.offset)).toEqual(records.map((_, n) => BigInt(n)));
  return records.map((each) => Buffer.from(each.value).toString());
}

describe('opening a segment log after a crash', () => {
  it('keeps the longest valid prefix whatever byte of the last three records the file ends at', async () => {
    const texts = ['first', 'second', 'third', 'fourth'];
    const { bytes, ends } = await written(texts.map((text) => [text]));

    for (let size = ends[0] as number; size < bytes.length; size += 1) {
      const whole = ends.filter((end) => end <= size);
      const { texts: kept, torn } = await reopened(bytes.subarray(0, size));

      expect(kept).toEqual([...texts.slice(0, whole.length), 'new']);
      const position = whole.at(-1) as number;
      expect(torn).toEqual(
        size === position
          ? []
          : [
              {
                segment: '000000000001.log',
                position,
                bytesCut: size - position,
                recordsCut: 0,
                savedAs: expect.any(String),
              },
            ],
      );
    }
  }, 60_000);

  it('keeps an append wholly or not at all', async () => {
    const { bytes, ends } = await written([['a'], ['b', 'c', 'd']]);
    const [end] = ends as [number];

    for (let size = end; size < bytes.length; size += 5) {
      expect((await reopened(bytes.subarray(0, size))).texts).toEqual(['a', 'new']);
    }
    expect((await reopened(bytes)).texts).toEqual(['a', 'b', 'c', 'd', 'new']);
  });

  it('cuts at a flipped bit, wherever it is in the records, and takes nothing wrong for right', async () => {
    const texts = ['first', 'second', 'third'];
    const { bytes, ends } = await written(texts.map((text) => [text]));
    const dataStart = (ends[0] as number) - ((ends[1] as number) - (ends[0] as number)) + 1;

    for (let at = dataStart; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      const damaged = ends.findIndex((end) => at < end);
      const { texts: kept, torn, saved } = await reopened(flipped);

      expect(kept).toEqual([...texts.slice(0, damaged), 'new']);
      expect(torn).toHaveLength(1);
      expect(saved).toEqual([flipped.subarray(torn[0]?.position)]);
    }
  }, 60_000);

  it('cuts garbage and zeros behind the last record', async () => {
    const { bytes } = await written([['first']]);

    for (const garbage of [Buffer.alloc(70_000), Buffer.alloc(500, 0xff), Buffer.from('not a frame at all')]) {
      const { texts, torn } = await reopened(Buffer.concat([bytes, garbage]));

      expect(texts).toEqual(['first', 'new']);
      expect(torn[0]).toMatchObject({ position: bytes.length, bytesCut: garbage.length });
    }
  });

  it('puts a last segment without header aside and reports it', async () => {
    const { texts, torn } = await reopened(Buffer.alloc(100));

    expect(texts).toEqual(['new']);
    expect(torn).toEqual([
      { segment: '000000000001.log', position: 0, bytesCut: 100, recordsCut: 0, savedAs: expect.any(String) },
    ]);
  });

  it('ignores a next segment that was not finished', async () => {
    const directory = fresh();
    const first = await openSegmentWriter({ directory, partition: 0, durability: 'strict' });
    await first.append([record('kept')]).durable;
    await first.close();
    fs.writeFileSync(path.join(directory, '0', '000000000002.log.new'), 'half');

    const second = await openSegmentWriter({ directory, partition: 0, durability: 'strict' });
    await second.append([record('more')]).durable;
    await second.close();

    expect(await readTexts(directory)).toEqual(['kept', 'more']);
    expect(fs.readdirSync(path.join(directory, '0'))).toEqual(['000000000001.log']);
  });
});

describe('the writer lock', () => {
  it('refuses a second writer of the same partition, and lets it in after the first has closed', async () => {
    const directory = fresh();
    const options = { directory, partition: 0, durability: 'strict' } as const;
    const first = await openSegmentWriter(options);

    const refused = await openSegmentWriter({ ...options, lockWaitMs: 50 }).then(
      () => null,
      (error: unknown) => error,
    );
    const elsewhere = await openSegmentWriter({ ...options, partition: 1 });
    await first.close();
    const second = await openSegmentWriter(options);

    expect(refused).toBeInstanceOf(RouterError);
    expect((refused as RouterError).code).toBe('data_directory_owned');
    await Promise.all([second.close(), elsewhere.close()]);
  });

  it.each(['999999999:1', `${process.pid}:0`, '', 'garbage'])(
    'takes over the lock of a dead process: %s',
    async (owner) => {
      const directory = fresh();
      fs.mkdirSync(path.join(directory, '0'));
      fs.writeFileSync(path.join(directory, '0', 'writer.lock'), owner);

      const writer = await openSegmentWriter({ directory, partition: 0, durability: 'strict' });
      await writer.close();

      expect(fs.readdirSync(path.join(directory, '0'))).toEqual(['000000000001.log']);
    },
  );
});
