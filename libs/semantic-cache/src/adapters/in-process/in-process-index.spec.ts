import { appendFileSync, mkdtempSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cachePoint, unitVector, vectorIndexContract } from '../../ports/vector-index.contract.js';
import { encodeRemove, encodeUpsert, readFrame } from './entry-frames.js';
import { InProcessIndex } from './in-process-index.js';
import { IndexDirectory } from './index-directory.js';

const NOW = 1_790_000_000_000;
const temporary = (): string => mkdtempSync(join(tmpdir(), 'vectors-'));
const fresh = (): string => join(temporary(), 'entries.log');

vectorIndexContract('in process', () => InProcessIndex.open({ path: fresh() }));

describe('the in-process index', () => {
  it('has the same entries after it was closed and opened', async () => {
    const path = fresh();
    const index = await InProcessIndex.open({ path });
    await index.upsert([cachePoint(1), cachePoint(2), cachePoint(3)]);
    await index.upsert([cachePoint(2, { storedAtMs: NOW + 1, receiptId: 'again' })]);
    await index.remove({ receiptId: 'receipt-3' });
    await index.upsert([cachePoint(4, { storedAtMs: NOW + 5, receiptId: 'later' }), cachePoint(4)]);
    await index.close();

    const again = await InProcessIndex.open({ path });

    expect(await again.count()).toBe(3);
    expect(await again.get(cachePoint(4).id, NOW)).toMatchObject({ receiptId: 'later' });
    expect(await again.get(cachePoint(2).id, NOW)).toMatchObject({ receiptId: 'again', sealed: cachePoint(2).sealed });
    expect((await again.nearest('scope-a', unitVector(1), 1, NOW))[0]).toMatchObject({
      point: { receiptId: 'receipt-1' },
    });
    await again.close();
  });

  it('leaves no byte of a removed entry in its file once it is scrubbed', async () => {
    const path = fresh();
    const index = await InProcessIndex.open({ path });
    await index.upsert([cachePoint(1), cachePoint(2)]);
    await index.remove({ receiptId: 'receipt-1' });
    const { sealed, vector } = cachePoint(1);
    const traces = (): boolean[] =>
      [Buffer.from(sealed), Buffer.from((vector ?? unitVector(1)).buffer)].map((bytes) =>
        readFileSync(path).includes(bytes),
      );

    const before = traces();
    await Promise.all([index.scrub(), index.scrub()]);

    expect(before).toEqual([true, true]);
    expect(traces()).toEqual([false, false]);
    expect(await index.get(cachePoint(2).id, NOW)).toMatchObject({ sealed: cachePoint(2).sealed });
    await index.close();
  });

  it('keeps all whole frames before a torn tail, wherever it is torn', async () => {
    const path = fresh();
    const index = await InProcessIndex.open({ path });
    await index.upsert([cachePoint(1)]);
    const whole = statSync(path).size;
    await index.upsert([cachePoint(2)]);
    await index.close();
    const bytes = readFileSync(path);

    for (let cut = whole; cut < bytes.length; cut += 97) {
      writeFileSync(path, bytes.subarray(0, cut));
      const torn = await InProcessIndex.open({ path });
      expect(await torn.count()).toBe(1);
      await torn.upsert([cachePoint(5)]);
      await torn.close();
      const after = await InProcessIndex.open({ path });
      expect(await after.count()).toBe(2);
      await after.close();
    }
  });

  it('drops what stands behind damage', async () => {
    const path = fresh();
    const index = await InProcessIndex.open({ path });
    await index.upsert([cachePoint(1)]);
    await index.close();
    appendFileSync(path, Buffer.alloc(5_000, 7));

    const again = await InProcessIndex.open({ path });

    expect(await again.count()).toBe(1);
    await again.close();
  });

  it('evicts the oldest beyond its bound, also after it was opened again', async () => {
    const path = fresh();
    const index = await InProcessIndex.open({ path, entriesMax: 3 });
    await index.upsert([1, 2, 3, 4, 5].map((n) => cachePoint(n)));
    expect(await index.get(cachePoint(2).id, NOW)).toBeNull();
    await index.close();

    const again = await InProcessIndex.open({ path, entriesMax: 2 });

    expect(await again.count()).toBe(2);
    expect(await again.get(cachePoint(5).id, NOW)).not.toBeNull();
    await again.close();
  });

  it('rewrites its file when most of it is dead, while writes go on', async () => {
    const path = fresh();
    const index = await InProcessIndex.open({ path, garbageBytesMax: 10_000 });
    for (let round = 0; round < 40; round++) {
      await index.upsert(
        [1, 2, 3, 4, 5].map((n) => cachePoint(n, { storedAtMs: NOW + round, receiptId: `${n}-${round}` })),
      );
    }
    await index.remove({ receiptId: '5-39' });
    await index.flush();

    expect(statSync(path).size).toBeLessThan(60_000);
    expect(await index.get(cachePoint(4).id, NOW)).toMatchObject({ receiptId: '4-39', sealed: cachePoint(4).sealed });
    await index.close();
    const again = await InProcessIndex.open({ path });
    expect(await again.count()).toBe(4);
    expect(await again.get(cachePoint(1).id, NOW)).toMatchObject({ receiptId: '1-39' });
    await again.close();
    truncateSync(path, 0);
  });

  it('neither reads nor writes after it was closed', async () => {
    const index = await InProcessIndex.open({ path: fresh() });
    await index.upsert([cachePoint(1)]);
    await index.close();
    const other = await InProcessIndex.open({ path: fresh() });

    expect(() => index.upsert([cachePoint(2)])).toThrow(/vector index/);
    expect(() => index.get(cachePoint(1).id, NOW)).toThrow();
    expect(await other.count()).toBe(0);
    await other.close();
  });

  it('answers a search with a vector of another length with nothing', async () => {
    const index = await InProcessIndex.open({ path: fresh() });
    await index.upsert([cachePoint(1)]);

    expect(await index.nearest('scope-a', new Float32Array(384), 5, NOW)).toEqual([]);
    await index.close();
  });
});

describe('frames', () => {
  it('are refused with any single bit changed', () => {
    const frame = encodeUpsert(cachePoint(1));
    for (let bit = 64; bit < frame.length * 8; bit += 61) {
      const damaged = Buffer.from(frame);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(readFrame(damaged, 0).ok).toBe(false);
    }
  });

  it('carry removals', () => {
    expect(readFrame(encodeRemove('x'), 0)).toMatchObject({ ok: true, frame: { kind: 'remove', id: 'x' } });
  });
});

describe('the index directory', () => {
  it('goes on with the generation in use and starts another for another embedder', async () => {
    const directory = temporary();

    const first = await new IndexDirectory(directory, 'one').current();
    const again = await new IndexDirectory(directory, 'one').current();
    const other = await new IndexDirectory(directory, 'two').current();

    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it('switches only when told, and forgets the old generation then', async () => {
    const directory = temporary();
    const place = new IndexDirectory(directory, 'one');
    const first = await place.current();
    const next = await place.prepare();

    expect(await place.current()).toBe(first);
    await place.switchTo(next);

    expect(await place.current()).toBe(place.logOf(next));
    expect(readdirSync(directory).toSorted()).toEqual(['CURRENT', next]);
  });
});
