import { beforeAll, describe, expect, it } from 'vitest';
import { logOf, signedLog, testSigner, type TestLog } from '../__fixtures__/receipt-log.js';
import { MemoryTileStore } from '../adapters/memory/memory-tile-store.js';
import { Ed25519Signer } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { createSha256TreeHash, NODE_CRYPTO } from '../transparency.module.js';
import { LogSequencer, logVerifierKey } from '../usecases/log-sequencer.js';
import { proveConsistency, proveEntry } from '../usecases/prove-entry.js';
import { checkConsistency } from './check-consistency.js';
import { checkInclusion } from './check-inclusion.js';
import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import type { Finding } from './finding.js';
import { formatLogProof, parseLogProof, type LogProof } from './log-proof.js';
import { formatVerifierKey } from './verifier-key.js';

const hash = createSha256TreeHash();
const keyText = formatVerifierKey(logVerifierKey(testSigner, 0, sha256));
const eventOf = (index: number): Uint8Array => new TextEncoder().encode(JSON.stringify({ receiptId: `r${index}` }));
const faultsOf = (findings: readonly Finding[]): string[] =>
  findings.filter(({ state }) => state === 'wrong').map(({ what }) => what);
const check = (event: Uint8Array, text: string, keys = keyText): string[] =>
  faultsOf(checkInclusion(event, text, keys, NODE_CRYPTO).findings);
const headOf = (note: string): Checkpoint => {
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed.checkpoint;
};

const prove = async (test: TestLog, index: number): Promise<string> => {
  const proof = await proveEntry(test.store, index, hash);
  if (proof.kind !== 'proved') throw new Error('not sequenced');
  return proof.proof;
};

describe('the proof of a receipt', () => {
  let test: TestLog;
  let proof: string;
  beforeAll(async () => {
    test = await signedLog(700);
    proof = await prove(test, 300);
  });

  it('verifies for every receipt around the borders of tiles, and for no other', async () => {
    for (const index of [0, 1, 254, 255, 256, 257, 510, 511, 512, 513, 699]) {
      const text = await prove(test, index);

      expect(check(eventOf(index), text)).toEqual([]);
      expect(check(eventOf(index + 1), text)).toEqual(['inclusion']);
    }
  });

  it('fails for each flipped bit of the receipt, the proof and the key', () => {
    for (const [name, bytes] of Object.entries({
      event: eventOf(300),
      proof: Buffer.from(proof),
      key: Buffer.from(keyText),
    })) {
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        const event = name === 'event' ? changed : eventOf(300);
        const given = { proof, key: keyText, event: '', [name]: changed.toString('utf8') };

        expect(check(event, given.proof, given.key), `${name}, bit ${bit}`).not.toEqual([]);
      }
    }
  });

  it('fails when it was cut anywhere', () => {
    for (let length = 0; length < proof.length; length += 1) {
      expect(check(eventOf(300), proof.slice(0, length)), `${length} characters`).not.toEqual([]);
    }
  });

  it('says that it is for another log, or signed by another key', async () => {
    const other = await signedLog(700);
    const signer = new Ed25519Signer('test.example', new Uint8Array(32).fill(9));
    const otherKey = formatVerifierKey(logVerifierKey(signer, 0, sha256));
    const otherLog = formatVerifierKey(logVerifierKey(testSigner, 1, sha256));

    expect(check(eventOf(300), proof, otherLog)).toEqual(['log']);
    expect(check(eventOf(300), proof, otherKey)).toEqual(['checkpoint']);
    expect(check(eventOf(300), proof, `${otherLog}\n${keyText}\n`)).toEqual([]);
    expect(check(eventOf(300), await prove(other, 300))).toEqual([]);
  });

  it('is no proof with the hashes of another place, or with a checkpoint without its size', () => {
    const parsed = parseLogProof(proof) as LogProof;
    const moved = formatLogProof({ ...parsed, index: 301 });
    const short = formatLogProof({ ...parsed, hashes: parsed.hashes.slice(1) });

    expect(formatLogProof(parsed)).toBe(proof);
    expect(check(eventOf(300), moved)).toEqual(['inclusion']);
    expect(check(eventOf(300), short)).toEqual(['proof']);
    expect(check(eventOf(300), proof.replace('\n700\n', '\n701\n'))).toEqual(['checkpoint']);
    expect(check(eventOf(300), proof.replace('index 300', 'extra AAAA\nindex 300'))).toEqual([]);
  });

  it('does not exist before the receipt is signed', async () => {
    expect(await proveEntry(test.store, 700, hash)).toEqual({ kind: 'not_sequenced', size: 700 });
    expect(await proveEntry(new MemoryTileStore(), 0, hash)).toEqual({ kind: 'not_sequenced', size: 0 });
  });

  it('cannot be made from a truncated tile', async () => {
    const cut = await signedLog(700);
    cut.store.tiles.set('0/1', (cut.store.tiles.get('0/1') as Uint8Array).slice(0, 8_000));

    await expect(proveEntry(cut.store, 300, hash)).rejects.toThrow('tile/0/001 is missing or too short');
    expect((await proveEntry(cut.store, 600, hash)).kind).toBe('proved');
  });
});

describe('a checkpoint that somebody kept', () => {
  it('belongs to the same history, older or newer', async () => {
    const [old, now] = [await signedLog(300), await signedLog(700)];
    const tiles = (a: Checkpoint, b: Checkpoint) => proveConsistency(now.store, a, b, hash);
    const state = async (one: string, other: string, prover: typeof tiles | null) =>
      (await checkConsistency(headOf(one), other, keyText, prover, NODE_CRYPTO)).map((finding) => finding.state);

    expect(await state(now.note, old.note, tiles)).toEqual(['ok']);
    expect(await state(old.note, now.note, tiles)).toEqual(['ok']);
    expect(await state(now.note, now.note, null)).toEqual(['ok']);
    expect(await state(now.note, old.note, null)).toEqual(['unknown']);
  });

  it('gives a rewritten log away, at the same size and at another', async () => {
    const kept = await signedLog(300);
    for (const count of [300, 700]) {
      const rewritten = await logOf(0);
      const records = Array.from({ length: count }, (_, n) => ({
        topic: 'nextmodel.receipts',
        key: '',
        value: n === 7 ? 'changed' : JSON.stringify({ receiptId: `r${n}` }),
        headers: {},
      }));
      await rewritten.log.writer.append(records).durable;
      const sequencer = await LogSequencer.open(rewritten.parts);
      await rewritten.readOn(sequencer);
      const note = (await sequencer.sign())?.note ?? '';
      const tiles = (a: Checkpoint, b: Checkpoint) => proveConsistency(rewritten.store, a, b, hash);

      const findings = await checkConsistency(headOf(note), kept.note, keyText, tiles, NODE_CRYPTO);

      expect(findings).toMatchObject([{ what: 'consistency', state: 'wrong' }]);
      expect(findings[0]?.detail).toContain('the log was rewritten');
    }
  });

  it('is worth nothing when it was changed', async () => {
    const { note } = await signedLog(300);

    const findings = await checkConsistency(headOf(note), note.replace('300', '301'), keyText, null, NODE_CRYPTO);

    expect(faultsOf(findings)).toEqual(['consistency']);
  });
});
