import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { NewRecord } from '#events/domain/event-record.js';
import { openSegmentReader, openSegmentWriter, retainSegments } from '../../event-log.module.js';
import type { BadFrame } from './quarantine.js';

const TOPIC = 'nextmodel.receipts';
const OTHER = 'nextmodel.requests';
const CONTROL = 'nextmodel.control';
const LIMITS = { recordsMax: 10_000, bytesMax: 1e8, waitMs: 0 };
const DAY_MS = 86_400_000;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const record = (text: string, topic = TOPIC): NewRecord => ({ topic, key: 'k', value: text, headers: {} });

/** A log of small segments: each durable append of about 100 bytes or more seals one. */
async function openLog(segmentBytesMax = 100) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'segment-reader-'));
  const writer = await openSegmentWriter({ directory, partition: 0, durability: 'strict', segmentBytesMax });
  closing.push(async () => {
    await writer.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  const bad: BadFrame[] = [];
  const openReader = () => {
    const reader = openSegmentReader({ directory, onBadFrame: (frame) => bad.push(frame) });
    closing.push(() => reader.close());
    return reader;
  };
  const add = async (...records: NewRecord[]): Promise<void> => {
    for (const one of records) await writer.append([one]).durable;
  };
  const file = (sequence: number): string => path.join(directory, '0', `${String(sequence).padStart(12, '0')}.log`);
  const files = (): string[] => fs.readdirSync(path.join(directory, '0')).filter((name) => name.endsWith('.log'));
  return { directory, writer, openReader, add, bad, file, files };
}

type Reader = ReturnType<typeof openSegmentReader>;
async function texts(reader: Reader, offset = 0n, topic = TOPIC): Promise<string[]> {
  const { records } = await reader.read({ topic, partition: 0, offset }, LIMITS);
  return records.map((each) => `${each.offset}=${Buffer.from(each.value).toString()}`);
}

describe('a segment reader', () => {
  it('opens no segment without a record of the topic, and finds those that have one', async () => {
    const { add, openReader, file } = await openLog();
    await add(record('c0', CONTROL));
    for (let n = 0; n < 12; n += 1) await add(record(`r${n}`));
    await add(record('c1', CONTROL));
    for (let n = 12; n < 24; n += 1) await add(record(`r${n}`));
    // what nobody reads nobody checks: with these bytes a reader would stop to report
    for (const sequence of [5, 20]) {
      const bytes = fs.readFileSync(file(sequence));
      bytes.fill(0xff, bytes.length - 20);
      fs.writeFileSync(file(sequence), bytes);
    }

    expect(await texts(openReader(), 0n, CONTROL)).toEqual(['0=c0', '1=c1']);
  });

  it('finds any offset across segments and topics', async () => {
    const { add, openReader } = await openLog();
    for (let n = 0; n < 20; n += 1) await add(record(`r${n}`), record(`o${n}`, OTHER));

    for (const from of [0n, 7n, 13n, 19n]) {
      const expected = Array.from({ length: 20 - Number(from) }, (_, n) => `${from + BigInt(n)}=r${Number(from) + n}`);
      expect(await texts(openReader(), from)).toEqual(expected);
    }
    expect(await texts(openReader(), 20n)).toEqual([]);
  });

  it('reads on where it stopped, also in the middle of an append and over a frame larger than its buffer', async () => {
    const { writer, openReader } = await openLog(64 * 1024 * 1024);
    const big = 'x'.repeat(3_000_000);
    await writer.append([record('a'), record(big), record('b'), record('o', OTHER), record('c')]).durable;
    const reader = openReader();

    const lengths: number[] = [];
    for (let offset = 0n; offset < 4n;) {
      const batch = await reader.read({ topic: TOPIC, partition: 0, offset }, { ...LIMITS, recordsMax: 1 });
      lengths.push(...batch.records.map((each) => each.value.length));
      offset = batch.nextOffset;
    }

    expect(lengths).toEqual([1, 3_000_000, 1, 1]);
  });

  it('shows nothing of an append before all of it is there', async () => {
    const { writer, openReader, file } = await openLog(64 * 1024 * 1024);
    await writer.append([record('a')]).durable;
    await writer.append([record('b'), record('o', OTHER), record('c')]).durable;
    const whole = fs.readFileSync(file(1));
    const reader = openReader();

    for (let size = whole.lastIndexOf('b') - 3; size < whole.length; size += 1) {
      fs.writeFileSync(file(1), whole.subarray(0, size));
      expect(await texts(reader)).toEqual(['0=a']);
      expect(await texts(reader, 0n, OTHER)).toEqual([]);
      expect(await reader.bounds(TOPIC, 0)).toEqual({ first: 0n, head: 1n });
    }
    fs.writeFileSync(file(1), whole);
    expect(await texts(reader)).toEqual(['0=a', '1=b', '2=c']);
  });

  it('ends waiting reads when it is closed', async () => {
    const { add, openReader } = await openLog();
    await add(record('a'));
    const reader = openReader();
    const waiting = reader.read({ topic: TOPIC, partition: 0, offset: 1n }, { ...LIMITS, waitMs: 60_000 });

    await new Promise(setImmediate);
    await reader.close();

    expect(await waiting).toMatchObject({ records: [], nextOffset: 1n, headOffset: 1n });
  });

  it('sees partitions that appear later, and has none before the first writer', async () => {
    const { directory, writer, openReader } = await openLog();
    const reader = openReader();
    expect(await reader.partitions(TOPIC)).toEqual([0]);
    const elsewhere = openSegmentReader({ directory: path.join(directory, 'nothing') });
    expect(await elsewhere.partitions(TOPIC)).toEqual([]);
    expect(await elsewhere.bounds(TOPIC, 3)).toEqual({ first: 0n, head: 0n });

    const second = await openSegmentWriter({ directory, partition: 7, durability: 'fast' });
    await second.append([record('seven')]).written;

    expect(await reader.partitions(TOPIC)).toEqual([0, 7]);
    expect((await reader.bounds(TOPIC, 7)).head).toBe(1n);
    await Promise.all([second.close(), writer.close(), elsewhere.close()]);
  });

  it('names damage in a sealed segment, keeps a copy, and goes on behind it', async () => {
    const { add, openReader, bad, file, directory } = await openLog(250);
    for (let n = 0; n < 12; n += 1) await add(record(`record number ${n}`));
    const bytes = fs.readFileSync(file(2));
    const at = bytes.indexOf('record number');
    const damagedText = bytes
      .toString('latin1', at, at + 15)
      .replaceAll('\0', '')
      .trim();
    bytes[at] = 0x52;
    fs.writeFileSync(file(2), bytes);
    const reader = openReader();

    const before = await texts(reader);
    const next = BigInt(before.length);
    const thrown = await texts(reader, next).then(
      () => null,
      (error: unknown) => error,
    );
    const after = await texts(reader, next);

    expect(thrown).toMatchObject({ code: 'event_undecodable' });
    expect((thrown as Error).message).toContain('000000000002.log at ');
    expect(bad).toHaveLength(1);
    expect([...before, ...after]).toEqual(
      Array.from({ length: 12 }, (_, n) => `${n}=record number ${n}`).filter((_, n) => BigInt(n) !== next),
    );
    expect(damagedText).toContain(`record number ${next}`);
    const copy = path.join(directory, '0', bad[0]?.quarantinedAs ?? '');
    expect(fs.readFileSync(copy).includes(`Record number ${next}`)).toBe(true);

    // A reader that comes later is told, and not held up again.
    expect(await texts(openReader(), next)).toEqual(after);
    expect(bad).toHaveLength(2);
  });

  it('finds the next whole frame when a length is damaged', async () => {
    const { add, openReader, bad, file } = await openLog(400);
    for (let n = 0; n < 15; n += 1) await add(record(`record number ${n}`));
    const bytes = fs.readFileSync(file(1));
    const first = bytes.indexOf('record number 0') + 'record number 0'.length;
    bytes.writeUInt32LE(77_777, first);
    fs.writeFileSync(file(1), bytes);
    const reader = openReader();

    expect(await texts(reader)).toEqual(['0=record number 0']);
    await expect(texts(reader, 1n)).rejects.toMatchObject({ code: 'event_undecodable' });

    expect((await texts(reader, 1n))[0]).toBe('2=record number 2');
    expect(bad[0]?.position).toBe(first);
  });
});

describe('retention', () => {
  const ages = (...topics: string[]) => new Map(topics.map((topic) => [topic, DAY_MS]));
  const later = Date.now() + 2 * DAY_MS;

  it('deletes old sealed segments that every group has passed, and the reader goes on at the first kept record', async () => {
    const { directory, add, openReader, files } = await openLog();
    for (let n = 0; n < 10; n += 1) await add(record(`r${n}`.padEnd(100, '.')));
    const reader = openReader();
    expect(await texts(reader)).toHaveLength(10);
    const options = { directory, partition: 0, maxBytes: Infinity, topicMaxAgeMs: ages(TOPIC) };

    const young = await retainSegments({ ...options, minOffsets: new Map([[TOPIC, 10n]]), nowMs: Date.now() });
    const result = await retainSegments({ ...options, minOffsets: new Map([[TOPIC, 4n]]), nowMs: later });

    expect(young.deleted).toEqual([]);
    expect(result.deleted).toEqual(['000000000001.log', '000000000002.log', '000000000003.log', '000000000004.log']);
    expect(files()[0]).toBe('000000000005.log');
    for (const each of [reader, openReader()]) {
      expect(await each.bounds(TOPIC, 0)).toEqual({ first: 4n, head: 10n });
      expect((await texts(each)).map((text) => text.slice(0, 4))).toEqual([
        '4=r4',
        '5=r5',
        '6=r6',
        '7=r7',
        '8=r8',
        '9=r9',
      ]);
    }
  });

  it('goes by size before age, and says what holds a segment back', async () => {
    const { directory, add, files } = await openLog();
    for (let n = 0; n < 6; n += 1) await add(record('x'.repeat(200)));
    const options = { directory, partition: 0, topicMaxAgeMs: ages(TOPIC), nowMs: Date.now() };
    const size = fs.statSync(path.join(directory, '0', '000000000002.log')).size;

    const held = await retainSegments({ ...options, maxBytes: 0, minOffsets: new Map([[TOPIC, 1n]]) });
    const shrunk = await retainSegments({ ...options, maxBytes: 3 * size, minOffsets: new Map([[TOPIC, 6n]]) });

    expect(held.deleted).toEqual(['000000000001.log']);
    expect(held.heldBackBy).toEqual({ segment: '000000000002.log', topic: TOPIC, reason: 'not_consumed' });
    expect(shrunk.heldBackBy).toBeNull();
    expect(shrunk.bytesKept).toBeLessThanOrEqual(3 * size);
    expect(files().length).toBe(6 + 1 - held.deleted.length - shrunk.deleted.length);
  });

  it('never deletes the live segment or a record of a topic without an age', async () => {
    const { directory, add } = await openLog();
    await add(record('x'.repeat(100)), record('key'.padEnd(100), CONTROL), record('x'.repeat(100)));
    const options = { directory, partition: 0, maxBytes: 0, nowMs: later, minOffsets: new Map<string, bigint>() };

    const first = await retainSegments({ ...options, topicMaxAgeMs: ages(TOPIC) });
    const second = await retainSegments({ ...options, topicMaxAgeMs: ages(TOPIC, CONTROL) });

    expect(first.deleted).toEqual(['000000000001.log']);
    expect(first.heldBackBy).toEqual({ segment: '000000000002.log', topic: CONTROL, reason: 'kept_for_ever' });
    expect(second.heldBackBy).toMatchObject({ reason: 'live' });
  });

  it('leaves offsets going on after everything was deleted and the log was opened again', async () => {
    const { directory, add, writer, openReader } = await openLog();
    for (let n = 0; n < 5; n += 1) await add(record('x'.repeat(100)));
    await retainSegments({
      directory,
      partition: 0,
      maxBytes: 0,
      nowMs: later,
      minOffsets: new Map(),
      topicMaxAgeMs: ages(TOPIC),
    });
    await writer.close();

    const again = await openSegmentWriter({ directory, partition: 0, durability: 'strict' });
    await again.append([record('after')]).durable;
    const reader = openReader();

    expect(await texts(reader)).toEqual(['5=after']);
    await again.close();
  });
});
