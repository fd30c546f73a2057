import { afterEach, describe, expect, it } from 'vitest';
import { logOf, receiptRecords, testSigner, type TestLog } from '../__fixtures__/receipt-log.js';
import { verifyEd25519 } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import { lastPublished } from './last-published.js';
import { logVerifierKey, type SignedCheckpoint } from './log-sequencer.js';
import { runSequencer, type RunningSequencer } from './run-sequencer.js';

const timing = { everyMs: 60, settleMs: 5, discoverMs: 20, retryMs: 20, recheckMs: 20 };

describe('a running sequencer', () => {
  let running: RunningSequencer | null = null;
  afterEach(async () => {
    await running?.stop();
    running = null;
  });
  const run = (test: TestLog) => {
    const checkpoints: SignedCheckpoint[] = [];
    const refused: string[] = [];
    const faults: unknown[] = [];
    running = runSequencer({
      reader: test.parts.reader,
      storeOf: () => test.store,
      signer: testSigner,
      digest: sha256,
      onCheckpoint: (checkpoint) => checkpoints.push(checkpoint),
      onRefused: (_, reason) => refused.push(reason),
      onAgreed: () => refused.push('agreed'),
      rereadsLast: true,
      onError: (error) => faults.push(error),
      timing,
    });
    return { checkpoints, refused, faults };
  };

  it('signs what arrives, a few leaves together', async () => {
    const test = await logOf(0);
    const { checkpoints } = run(test);

    for (let n = 0; n < 30; n += 1) {
      await test.log.writer.append(receiptRecords(n, 1)).durable;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }

    await expect.poll(() => checkpoints.at(-1)?.size, { timeout: 5_000 }).toBe(30);
    expect(checkpoints.length).toBeLessThan(15);
  });

  it('works off a backlog with a checkpoint every few thousand leaves', async () => {
    const test = await logOf(20_000);

    const { checkpoints } = run(test);

    await expect.poll(() => checkpoints.at(-1)?.size, { timeout: 10_000 }).toBe(20_000);
    expect(checkpoints.length).toBeLessThan(10);
  });

  it('tells its last checkpoint again after a restart', async () => {
    const test = await logOf(5);
    const first = run(test);
    await expect.poll(() => first.checkpoints.length, { timeout: 5_000 }).toBe(1);
    await running?.stop();

    const second = run(test);

    await expect
      .poll(() => second.checkpoints.map(({ note }) => note), { timeout: 5_000 })
      .toEqual(first.checkpoints.map(({ note }) => note));
  });

  it('starts over when a write fails, and loses nothing', async () => {
    const test = await logOf(10);
    let failures = 3;
    const writeTile = test.store.writeTile.bind(test.store);
    test.store.writeTile = async (...given) => {
      failures -= 1;
      if (failures >= 0) throw new Error('disk full');
      await writeTile(...given);
    };

    const { checkpoints, faults } = run(test);

    await expect.poll(() => checkpoints.at(-1)?.size, { timeout: 5_000 }).toBe(10);
    expect(faults).toHaveLength(3);
  });

  it('goes on from the log when its tiles and checkpoint are deleted meanwhile', async () => {
    const test = await logOf(10);
    const { checkpoints, refused } = run(test);
    await expect.poll(() => checkpoints.length, { timeout: 5_000 }).toBe(1);

    test.store.forget();
    await test.log.writer.append(receiptRecords(10, 5)).durable;

    await expect.poll(() => checkpoints.at(-1)?.size, { timeout: 5_000 }).toBe(15);
    expect(refused).toEqual([]);
  });

  it('stops signing a log that contradicts what was signed, and says so', async () => {
    const signed = await logOf(10);
    const before = run(signed);
    await expect.poll(() => before.checkpoints.length, { timeout: 5_000 }).toBe(1);
    await running?.stop();
    const shorter = await logOf(4);
    const note = await signed.store.readCheckpoint();
    await shorter.store.writeCheckpoint(note ?? '');

    const { refused, checkpoints } = run(shorter);

    await expect.poll(() => refused.length, { timeout: 5_000 }).toBe(1);
    expect(refused[0]).toContain('the log ends at 4');
    expect(checkpoints).toEqual([]);
    expect(await shorter.store.readCheckpoint()).toBe(note);
  });

  it('refuses a topic that was made anew under it and has grown past the tree, and goes on when the old one is back', async () => {
    const test = await logOf(10);
    const other = await logOf(0);
    await other.log.writer.append(receiptRecords(500, 14)).durable;
    const { log } = test;
    let shown = log.reader;
    const reader: TestLog['log']['reader'] = {
      partitions: (topic) => shown.partitions(topic),
      bounds: (topic, partition) => shown.bounds(topic, partition),
      read: (from, limits, signal) => shown.read(from, limits, signal),
      close: async () => {},
    };
    const { checkpoints, refused } = run({ ...test, parts: { ...test.parts, reader } });
    await expect.poll(() => checkpoints.at(-1)?.size, { timeout: 5_000 }).toBe(10);

    shown = other.log.reader;
    await expect.poll(() => refused, { timeout: 5_000 }).toHaveLength(1);
    const signedMeanwhile = checkpoints.filter(({ size }) => size > 10);
    await log.writer.append(receiptRecords(10, 2)).durable;
    shown = log.reader;

    await expect.poll(() => checkpoints.at(-1)?.size, { timeout: 5_000 }).toBe(12);
    expect(signedMeanwhile).toEqual([]);
    expect(refused).toEqual([expect.stringContaining('the log was replaced'), 'agreed']);
  });

  it('takes one wrong answer of a broker for no contradiction', async () => {
    const test = await logOf(10);
    let wrong = 0;
    const { reader } = test.log;
    const read: TestLog['log']['reader']['read'] = async (from, limits, signal) => {
      const batch = await reader.read(from, limits, signal);
      wrong += 1;
      return wrong === 2 ? { ...batch, records: [], headOffset: 0n } : batch;
    };
    const { checkpoints, refused } = run({ ...test, parts: { ...test.parts, reader: { ...reader, read } } });
    await expect.poll(() => wrong, { timeout: 5_000 }).toBeGreaterThan(3);

    await test.log.writer.append(receiptRecords(10, 2)).durable;

    await expect.poll(() => checkpoints.at(-1)?.size, { timeout: 5_000 }).toBe(12);
    expect(refused).toEqual([]);
  });
});

describe('published checkpoints', () => {
  it('are found again: the largest that the log itself signed', async () => {
    const test = await logOf(3);
    const key = logVerifierKey(testSigner, 0, sha256);
    const notes: string[] = [];
    for (const count of [3, 4]) {
      const sequencer = await test.open();
      await test.readOn(sequencer);
      notes.push((await sequencer.sign())?.note ?? '');
      await test.log.writer.append(receiptRecords(count, 1)).durable;
    }
    const [small = '', large = ''] = notes;
    const forged = large.replace('\n4\n', '\n9\n');
    for (const note of [large, forged, small, 'no note']) {
      const data = { origin: key.name, note };
      await test.log.writer.append([encodeEvent('nextmodel.checkpoint.published.v1', 'x', key.name, '', data)]).durable;
    }

    expect(await lastPublished(test.log.reader, key, verifyEd25519)).toBe(large);
    expect(await lastPublished(test.log.reader, logVerifierKey(testSigner, 1, sha256), verifyEd25519)).toBeNull();
  });
});
