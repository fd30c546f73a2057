import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMemoryLog } from '#event-log/event-log.module.js';
import { TOPICS } from '#events/domain/topics.js';
import { createSha256TreeHash, NODE_CRYPTO, openTileStore } from '#transparency/transparency.module.js';
import { formatVerifierKey } from '#transparency/domain/verifier-key.js';
import { LogSequencer, logVerifierKey } from '#transparency/usecases/log-sequencer.js';
import { proveEntry } from '#transparency/usecases/prove-entry.js';
import { logReceipt, makeReceipt } from '../../../gateway/test/verify/logged-receipt.js';
import { Ed25519Signer } from '../../../../libs/transparency/src/adapters/node-crypto/ed25519.js';
import { run } from './verify.js';

const folder = mkdtempSync(join(tmpdir(), 'verify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Exit code and output; a usage error is code 2 and its message. */
async function verify(...words: string[]): Promise<{ readonly code: number; readonly text: string }> {
  let text = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((piece) => {
    text += String(piece);
    return true;
  });
  try {
    return { code: await run(words), text };
  } catch (error) {
    return { code: 2, text: (error as Error).message };
  } finally {
    spy.mockRestore();
  }
}

describe('one changed byte', () => {
  it('of event, proof or key, anywhere, is exit 1 with the name of what is wrong, whatever bits of it changed', async () => {
    const sound = await logReceipt(makeReceipt());
    const files = { event: sound.event, proof: Buffer.from(sound.proof), key: Buffer.from(sound.keys) };
    const paths = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, file(name, bytes)]));
    const words = (change: Record<string, string>): string[] =>
      Object.entries({ ...paths, ...change }).flatMap(([name, path]) => [`--${name}`, path]);
    const missed: string[] = [];
    for (const [name, bytes] of Object.entries(files)) {
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes);
        // Every byte, and over the run of them every bit.
        changed[at] = (changed[at] as number) ^ (1 << (at % 8));
        const { code, text } = await verify(...words({ [name]: file('changed', changed) }));
        if (code !== 1 || !/^WRONG +\w+ +\S/m.test(text)) missed.push(`${name}[${at}]: ${code} ${text}`);
      }
    }

    expect((await verify(...words({}))).code).toBe(0);
    expect(missed).toEqual([]);
  }, 60_000);
});

describe('a log that is not the one it was', () => {
  const signer = new Ed25519Signer('test.example', new Uint8Array(32).fill(5));
  const key = formatVerifierKey(logVerifierKey(signer, 0, NODE_CRYPTO.digest));

  /** A log with numbered entries in a folder of its own, signed at each of the sizes. */
  async function logIn(name: string, sizes: readonly number[], first = 0) {
    const log = createMemoryLog();
    const store = openTileStore(join(folder, name), 0);
    const parts = {
      topic: TOPICS.receipts,
      partition: 0,
      reader: log.reader,
      store,
      signer,
      digest: NODE_CRYPTO.digest,
    };
    const sequencer = await LogSequencer.open(parts);
    const notes: string[] = [];
    for (const size of sizes) {
      const from = sequencer.size;
      const records = Array.from({ length: size - from }, (_, n) => ({
        topic: TOPICS.receipts,
        key: 'r',
        value: `{"receiptId":"r${first + from + n}"}`,
        headers: {},
      }));
      await log.writer.append(records).durable;
      const read = { recordsMax: 1e6, bytesMax: 1e9, waitMs: 0 };
      sequencer.append(
        (await log.reader.read({ topic: TOPICS.receipts, partition: 0, offset: BigInt(from) }, read)).records,
      );
      notes.push((await sequencer.sign())?.note ?? '');
    }
    const proof = await proveEntry(store, 3, createSha256TreeHash());
    if (proof.kind !== 'proved') throw new Error('not proved');
    return {
      notes,
      proof: proof.proof,
      tiles: join(folder, name, 'receipts', '0'),
      event: `{"receiptId":"r${first + 3}"}`,
    };
  }
  type Log = Awaited<ReturnType<typeof logIn>>;
  let log: Log;
  let rewritten: Log;
  beforeAll(async () => {
    log = await logIn('log', [100, 600]);
    rewritten = await logIn('rewritten', [100, 700], 1);
  });
  const check = (of: Log, ...words: string[]) =>
    verify('--event', file('event', of.event), '--proof', file('proof', of.proof), '--key', key, ...words);

  it('is named as another log', async () => {
    const other = formatVerifierKey(logVerifierKey(signer, 1, NODE_CRYPTO.digest));
    const stranger = new Ed25519Signer('test.example', new Uint8Array(32).fill(6));
    const [event, proof] = [file('event', log.event), file('proof', log.proof)];

    const byLog = await verify('--event', event, '--proof', proof, '--key', other);
    const byKey = await verify(
      '--event',
      event,
      '--proof',
      proof,
      '--key',
      formatVerifierKey(logVerifierKey(stranger, 0, NODE_CRYPTO.digest)),
    );

    expect([byLog.code, byKey.code]).toEqual([1, 1]);
    expect(byLog.text).toMatch(
      /WRONG +log +the proof is for the log test.example\/receipts\/0, the key for .*receipts\/1/,
    );
    expect(byKey.text).toMatch(/WRONG +checkpoint +signed by test.example\/receipts\/0, not by the given key/);
  });

  it('is sound against a checkpoint that somebody kept while it only grew', async () => {
    const ended = await check(log, '--against', file('kept', log.notes[0] ?? ''), '--tiles', log.tiles);

    expect(ended.text).toMatch(/ok +consistency +the log only grew between 100 and 600 entries/);
  });

  it('is found out when it was rolled back: the kept checkpoint has more entries than the tiles', async () => {
    const back = await logIn('back', [100, 300]);

    const ended = await check(back, '--against', file('kept', log.notes[1] ?? ''), '--tiles', back.tiles);

    expect(ended.code).toBe(1);
    expect(ended.text).toMatch(/WRONG +consistency +.*tile/);
    expect(ended.text).toContain('NOT verified');
  });

  it('is found out when it was rolled back and grew again, at the same size and at another', async () => {
    const larger = await check(rewritten, '--against', file('kept', log.notes[1] ?? ''), '--tiles', rewritten.tiles);
    const same = await check(
      { ...rewritten, proof: (await logIn('same', [600], 1)).proof },
      '--against',
      file('kept', log.notes[1] ?? ''),
    );

    expect([larger.code, same.code]).toEqual([1, 1]);
    expect(larger.text).toMatch(
      /WRONG +consistency +the log was rewritten: root \w+ at 600 entries and root \w+ at 700/,
    );
    expect(same.text).toMatch(/WRONG +consistency +the log was rewritten/);
  });

  it('is not believed with a tile that was cut or changed', async () => {
    const tile = join('tile', '0', '000');
    const copy = join(folder, 'copy');
    for (const damage of ['cut', 'changed'] as const) {
      cpSync(log.tiles, copy, { recursive: true });
      if (damage === 'cut') truncateSync(join(copy, tile), 70 * 32 + 5);
      else {
        const bytes = readFileSync(join(copy, tile));
        bytes[99 * 32] = (bytes[99 * 32] as number) ^ 1;
        writeFileSync(join(copy, tile), bytes);
      }

      const ended = await check(log, '--against', file('kept', log.notes[0] ?? ''), '--tiles', copy);

      expect(ended.code, damage).toBe(1);
      expect(ended.text, damage).toMatch(/WRONG +consistency +\S/);
    }
  });
});
