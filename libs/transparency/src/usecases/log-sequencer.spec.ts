import { describe, expect, it } from 'vitest';
import { logOf, receiptRecords, signedLog, testSigner } from '../__fixtures__/receipt-log.js';
import { MemoryTileStore } from '../adapters/memory/memory-tile-store.js';
import { Ed25519Signer, verifyEd25519 } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { parseCheckpoint, type Checkpoint } from '../domain/checkpoint.js';
import { isConsistent } from '../domain/merkle-proof.js';
import { checkNote } from '../domain/signed-note.js';
import { createTreeHash } from '../domain/tree-hash.js';
import { LogSequencer, logVerifierKey } from './log-sequencer.js';
import { proveConsistency } from './prove-entry.js';
import { rebuildLog } from './rebuild-log.js';
import { LogContradiction } from './resume-tree.js';

const hash = createTreeHash(sha256);
const key = logVerifierKey(testSigner, 0, sha256);
const headOf = (note: string): Checkpoint => {
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') throw new Error(parsed);
  expect(checkNote(parsed.note, [key], verifyEd25519)).toEqual(key);
  return parsed.checkpoint;
};

const hexOf = (tiles: ReadonlyMap<string, Uint8Array>): Record<string, string> =>
  Object.fromEntries([...tiles].map(([name, tile]) => [name, Buffer.from(tile).toString('hex')]));

describe('the sequencer', () => {
  it('signs heads that each contain the one before, whatever the sizes', async () => {
    const test = await logOf(0);
    const sequencer = await test.open();
    const heads: Checkpoint[] = [];

    for (const count of [1, 1, 253, 1, 1, 254, 1, 1, 300]) {
      await test.log.writer.append(receiptRecords(sequencer.size, count)).durable;
      await test.readOn(sequencer);
      heads.push(headOf((await sequencer.sign())?.note ?? ''));
    }

    expect(heads.map(({ size }) => size)).toEqual([1, 2, 255, 256, 257, 511, 512, 513, 813]);
    for (const [n, newer] of heads.entries()) {
      for (const older of heads.slice(0, n)) {
        const proof = await proveConsistency(test.store, older, newer, hash);
        expect(isConsistent(older, newer, proof, hash)).toBe(true);
      }
    }
  });

  it('signs nothing when there is nothing new, and takes records it has already', async () => {
    const test = await logOf(3);
    const sequencer = await test.open();
    await test.readOn(sequencer);
    await sequencer.sign();

    sequencer.append(
      (
        await test.log.reader.read(
          { topic: 'nextmodel.receipts', partition: 0, offset: 0n },
          { recordsMax: 9, bytesMax: 1e6, waitMs: 0 },
        )
      ).records,
    );

    expect(sequencer.size).toBe(3);
    expect(await sequencer.sign()).toBeNull();
  });

  it('goes on after a restart bit for bit as one that never stopped, also with leftovers of a crash', async () => {
    const whole = await signedLog(700);
    const test = await logOf(700);
    for (const until of [1, 255, 256, 300, 512, 700]) {
      const sequencer = await test.open();
      const from = { topic: 'nextmodel.receipts', partition: 0, offset: BigInt(sequencer.size) };
      const { records } = await test.log.reader.read(from, {
        recordsMax: until - sequencer.size,
        bytesMax: 1e9,
        waitMs: 0,
      });
      sequencer.append(records);
      await sequencer.sign();
      // Written but never signed: what a crash between tiles and checkpoint leaves.
      const tile = await test.store.readTile({ level: 0, index: Math.floor(until / 256) });
      if (tile !== null && until % 256 !== 0)
        await test.store.writeTile({ level: 0, index: Math.floor(until / 256) }, until % 256, new Uint8Array(32));
    }

    expect(await test.store.readCheckpoint()).toBe(whole.note);
    expect(headOf(whole.note).root).toEqual((await test.open()).signed?.root);
    for (const [name, tile] of whole.store.tiles) {
      expect(Buffer.from(test.store.tiles.get(name)?.subarray(0, tile.length) ?? []), name).toEqual(Buffer.from(tile));
    }
  });

  it('builds lost or damaged tiles again from the log', async () => {
    const test = await signedLog(600);
    const before = new Map(test.store.tiles);
    test.store.tiles.delete('0/1');
    test.store.tiles.set('1/0', new Uint8Array(64));

    const sequencer = await test.open();

    expect(sequencer.size).toBe(600);
    expect(hexOf(test.store.tiles)).toEqual(hexOf(before));
  });
});

async function over(note: string, store: MemoryTileStore, count: number, change: number | null): Promise<LogSequencer> {
  const test = await logOf(0);
  const records = receiptRecords(0, count);
  if (change !== null)
    records[change] = { ...(records[change] as (typeof records)[0]), value: '{"receiptId":"other"}' };
  await test.log.writer.append(records).durable;
  await store.writeCheckpoint(note);
  return LogSequencer.open({ ...test.parts, store });
}

describe('the sequencer refuses to sign', () => {
  it('when a record among the last was replaced', async () => {
    const { note, store } = await signedLog(300);

    await expect(over(note, store, 300, 299)).rejects.toThrow(/record 299 of the log has leaf hash/);
  });

  it('when the log is shorter than what was signed', async () => {
    const { note, store } = await signedLog(300);

    await expect(over(note, store, 299, null)).rejects.toThrow('300 records were signed, but the log ends at 299');
  });

  it('when the tiles are gone and the log leads to another root', async () => {
    const { note } = await signedLog(300);

    await expect(over(note, new MemoryTileStore(), 300, 5)).rejects.toThrow(/but [0-9a-f]{64} was signed/);
    await expect(over(note, new MemoryTileStore(), 300, null)).resolves.toMatchObject({ size: 300 });
  });

  it('when tiles and checkpoint were deleted, and the log contradicts what was published', async () => {
    const { note } = await signedLog(300);
    const test = await logOf(299, { lastPublished: async () => note });

    await expect(test.open()).rejects.toThrow(LogContradiction);
    expect(await test.store.readCheckpoint()).toBeNull();
    await test.log.writer.append(receiptRecords(299, 2)).durable;
    const sequencer = await test.open();
    await test.readOn(sequencer);
    expect((await sequencer.sign())?.size).toBe(301);
  });

  it('when somebody else has signed meanwhile', async () => {
    const test = await logOf(10);
    const [a, b] = [await test.open(), await test.open()];
    await test.readOn(a);
    await a.sign();
    await test.readOn(b);

    await expect(b.sign()).rejects.toThrow('somebody else has signed');
  });

  it('for a log of another key, and over a gap', async () => {
    const { note, store, parts } = await signedLog(3);
    const other = new Ed25519Signer('other.example', new Uint8Array(32));

    await expect(LogSequencer.open({ ...parts, store, signer: other })).rejects.toThrow(
      'is of test.example/receipts/0',
    );
    expect(note).toContain('test.example/receipts/0\n3\n');
    const fresh = await (await logOf(9)).open();
    expect(() =>
      fresh.append([{ topic: 't', partition: 0, offset: 4n, key: '', value: new Uint8Array(1), headers: {} }]),
    ).toThrow('the log goes on at offset 4, but the tree ends at 0');
  });
});

describe('rebuilding a log', () => {
  it('gives identical tiles and root, and names damaged tiles', async () => {
    const test = await signedLog(70_000);
    const [good, bad] = [new MemoryTileStore(), new MemoryTileStore()];

    const clean = await rebuildLog(test.parts, test.note, good, () => undefined);
    const tile = test.store.tiles.get('0/7') as Uint8Array;
    tile[100] = (tile[100] as number) ^ 4;
    const damaged = await rebuildLog(test.parts, test.note, bad, () => undefined);

    expect(clean).toMatchObject({ matches: true, size: 70_000, damagedTiles: [] });
    expect(clean.rebuiltRoot).toBe(clean.signedRoot);
    expect(await good.readCheckpoint()).toBe(test.note);
    expect(good.tiles.size).toBe(277);
    expect(damaged).toMatchObject({ matches: true, damagedTiles: ['tile/0/007'] });
    expect(good.tiles.get('2/0')?.length).toBe(32);
  });

  it('does not agree when the log was changed', async () => {
    const { note, store } = await signedLog(10);
    const changed = await logOf(9);
    await changed.log.writer.append(receiptRecords(42, 1)).durable;

    const result = await rebuildLog({ ...changed.parts, store }, note, new MemoryTileStore(), () => undefined);

    expect(result).toMatchObject({ matches: false, size: 10, damagedTiles: ['tile/0/000.p/10'] });
  });
});
