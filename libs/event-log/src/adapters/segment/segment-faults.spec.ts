import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { RouterError } from '#events/domain/router-error.js';
import { openSegmentReader, openSegmentWriter } from '../../event-log.module.js';
import type { Appended } from '../../ports/event-log.js';
import { nodeDevice, type SegmentDevice } from './segment-device.js';

const TOPIC = 'nextmodel.requests';
const OTHER = 'some.other.topic';
const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** The real file system, failing as told. */
class FaultyDevice implements SegmentDevice {
  open = nodeDevice.open;
  close = nodeDevice.close;
  rename = nodeDevice.rename;
  /** Bytes that still fit; a write that does not fit is short first, like on a full disk. */
  room = Infinity;
  writeError: string | null = null;
  /** Most bytes that one write takes. */
  writeBytesMax = Infinity;
  truncateFails = false;
  syncsFailing = 0;
  directorySyncsFailing = 0;

  write(descriptor: number, buffer: Buffer, at: number, length: number, position: number): number {
    if (this.writeError !== null) throw failure(this.writeError);
    const count = Math.min(length, this.room, this.writeBytesMax);
    if (count <= 0) throw failure('ENOSPC');
    this.room -= count;
    return nodeDevice.write(descriptor, buffer, at, count, position);
  }

  truncate(descriptor: number, bytes: number): void {
    if (this.truncateFails) throw failure('EIO');
    nodeDevice.truncate(descriptor, bytes);
  }

  datasync(descriptor: number, done: (error: Error | null) => void): void {
    if (this.syncsFailing <= 0) return nodeDevice.datasync(descriptor, done);
    this.syncsFailing -= 1;
    setTimeout(() => done(failure('EIO')), 5);
  }

  syncDirectory(descriptor: number, done: (error: Error | null) => void): void {
    if (this.directorySyncsFailing <= 0) return nodeDevice.syncDirectory(descriptor, done);
    this.directorySyncsFailing -= 1;
    setImmediate(() => done(failure('EIO')));
  }
}

const failure = (code: string): Error => Object.assign(new Error(code), { code });
const record = (text: string, topic = TOPIC): NewRecord => ({ topic, key: 'k', value: text, headers: {} });
const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function open(durability: 'strict' | 'fast' = 'strict', segmentBytesMax?: number) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'segment-faults-'));
  const device = new FaultyDevice();
  const writer = await openSegmentWriter({ directory, partition: 0, durability, device, segmentBytesMax });
  const reader = openSegmentReader({ directory });
  const read = async (from: typeof reader, topic: string): Promise<readonly StoredRecord[]> => {
    const limits = { recordsMax: 10_000, bytesMax: 1e8, waitMs: 0 };
    return (await from.read({ topic, partition: 0, offset: 0n }, limits)).records;
  };
  /** As the reader that was there all the time sees it, and as one that opens now. */
  const texts = async (topic = TOPIC): Promise<string[]> => {
    const late = openSegmentReader({ directory });
    const [seen, seenLate] = [await read(reader, topic), await read(late, topic)];
    await late.close();
    expect(seenLate).toEqual(seen);
    expect(seen.map((each) => each.offset)).toEqual(seen.map((_, n) => BigInt(n)));
    return seen.map((each) => Buffer.from(each.value).toString());
  };
  const files = () => fs.readdirSync(path.join(directory, '0')).filter((name) => name.endsWith('.log'));
  opened.push(async () => {
    await writer.close();
    await reader.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  return { directory, device, writer, reader, texts, files };
}

async function outcome(promise: Promise<void>): Promise<string> {
  try {
    await promise;
    return 'fine';
  } catch (error) {
    expect(error).toBeInstanceOf(RouterError);
    expect((error as RouterError).httpStatus).toBe(503);
    return (error as RouterError).code;
  }
}
const outcomes = (appended: Appended): Promise<string[]> =>
  Promise.all([outcome(appended.written), outcome(appended.durable)]);

const REFUSED = ['receipt_log_unavailable', 'receipt_log_unavailable'];
const FINE = ['fine', 'fine'];

describe('a segment writer on a failing disk', () => {
  it('writes on after short writes', async () => {
    const { device, writer, texts } = await open();
    device.writeBytesMax = 7;

    expect(await outcomes(writer.append([record('one'), record('two')]))).toEqual(FINE);

    expect(await texts()).toEqual(['one', 'two']);
  });

  it.each([0, 1, 20, 60])(
    'refuses on a full disk after %i bytes, keeps no torn part, and recovers by itself',
    async (room) => {
      const { device, writer, texts } = await open();
      await writer.append([record('before')]).durable;
      device.room = room;

      const failing = writer.append([record('lost 1'), record('lost', OTHER)]);
      const sameTurn = writer.append([record('lost 2')]);
      expect(await outcomes(failing)).toEqual(REFUSED);
      expect(await outcomes(sameTurn)).toEqual(REFUSED);
      expect(writer.healthy).toBe(false);
      const started = performance.now();
      expect(await outcomes(writer.append([record('lost 3')]))).toEqual(REFUSED);
      expect(performance.now() - started).toBeLessThan(100);
      expect(await texts()).toEqual(['before']);
      await sleep(450);
      expect(writer.healthy).toBe(false);

      device.room = Infinity;
      await expect.poll(() => writer.healthy, { timeout: 5000 }).toBe(true);
      expect(await outcomes(writer.append([record('after'), record('other', OTHER)]))).toEqual(FINE);
      expect(await texts()).toEqual(['before', 'after']);
      expect(await texts(OTHER)).toEqual(['other']);
    },
  );

  it('does not write behind a torn part that it could not cut', async () => {
    const { device, writer, texts } = await open();
    await writer.append([record('before')]).durable;
    device.room = 30;
    device.truncateFails = true;

    expect(await outcomes(writer.append([record('a much longer record than the ones after')]))).toEqual(REFUSED);
    device.room = Infinity;
    await sleep(450);
    expect(writer.healthy).toBe(false);
    device.truncateFails = false;
    await expect.poll(() => writer.healthy, { timeout: 5000 }).toBe(true);
    await writer.append([record('x')]).durable;

    expect(await texts()).toEqual(['before', 'x']);
  });

  it('refuses while writes give EIO', async () => {
    const { device, writer, texts } = await open();
    device.writeError = 'EIO';

    expect(await outcomes(writer.append([record('lost')]))).toEqual(REFUSED);
    device.writeError = null;
    await expect.poll(() => writer.healthy, { timeout: 5000 }).toBe(true);

    expect(await outcomes(writer.append([record('after')]))).toEqual(FINE);
    expect(await texts()).toEqual(['after']);
  });

  it.each(['strict', 'fast'] as const)('moves to a new segment after one failed sync, %s', async (durability) => {
    const { device, writer, texts, files } = await open(durability);
    await writer.append([record('synced')]).durable;
    device.syncsFailing = 1;

    const first = writer.append([record('one')]);
    await first.written;
    expect(await texts()).toEqual(['synced', 'one']);
    const second = writer.append([record('two'), record('other', OTHER)]);

    expect(await outcomes(first)).toEqual(FINE);
    expect(await outcomes(second)).toEqual(FINE);
    expect(files()).toEqual(['000000000001.log', '000000000002.log']);
    expect(await texts()).toEqual(['synced', 'one', 'two']);
    expect(await texts(OTHER)).toEqual(['other']);
  });

  it('never trusts what stands behind the synced part of a file whose sync failed', async () => {
    const { device, writer, texts, directory } = await open();
    await writer.append([record('synced')]).durable;
    const file = path.join(directory, '0', '000000000001.log');
    const syncedBytes = fs.statSync(file).size;
    device.syncsFailing = 1;
    device.truncateFails = true;

    await writer.append([record('one'), record('two')]).durable;
    const bytes = fs.readFileSync(file);
    expect(bytes.length).toBeGreaterThan(syncedBytes);
    fs.writeFileSync(file, bytes.fill(0, syncedBytes));

    expect(await texts()).toEqual(['synced', 'one', 'two']);
    device.truncateFails = false;
  });

  it('refuses while syncs go on failing, and loses nothing that was written', async () => {
    const { device, writer, texts } = await open();
    await writer.append([record('synced')]).durable;
    device.syncsFailing = 3;

    const failing = writer.append([record('written')]);
    expect(await outcomes(failing)).toEqual(['fine', 'receipt_log_unavailable']);
    expect(writer.healthy).toBe(false);
    expect(await outcomes(writer.append([record('refused')]))).toEqual(REFUSED);
    await expect.poll(() => writer.healthy, { timeout: 5000 }).toBe(true);

    expect(await outcomes(writer.append([record('after')]))).toEqual(FINE);
    expect(await texts()).toEqual(['synced', 'written', 'after']);
  });

  it('does not call a record durable before the directory of its new segment is synced', async () => {
    const { device, writer, texts } = await open();
    device.directorySyncsFailing = 1;

    expect(await outcomes(writer.append([record('one')]))).toEqual(FINE);

    expect(device.directorySyncsFailing).toBe(0);
    expect(await texts()).toEqual(['one']);
  });

  it('goes on in the full segment when there is no room for a new one', async () => {
    const { device, writer, texts, files } = await open('strict', 1000);
    const rename = device.rename;
    device.rename = () => {
      throw failure('ENOSPC');
    };
    for (let n = 0; n < 30; n += 1) await writer.append([record(`${n}`.padStart(100, '0'))]).durable;
    expect(files()).toEqual(['000000000001.log']);

    device.rename = rename;
    await writer.append([record('last')]).durable;
    await expect.poll(files).toEqual(['000000000001.log', '000000000002.log']);

    expect(await texts()).toHaveLength(31);
  });

  it('gives every record one offset when segments are rolled under load', async () => {
    const { writer, texts, files } = await open('strict', 20_000);
    const promises: Promise<void>[] = [];

    for (let n = 0; n < 2000; n += 1) {
      promises.push(writer.append([record(String(n)), record('x'.repeat(50), OTHER)]).durable);
      if (n % 50 === 0) await promises.at(-1);
      else if (n % 7 === 0) await new Promise(setImmediate);
    }
    await Promise.all(promises);

    expect(files().length).toBeGreaterThan(1);
    expect(await texts()).toEqual(Array.from({ length: 2000 }, (_, n) => String(n)));
    expect(await texts(OTHER)).toHaveLength(2000);
  });
});
