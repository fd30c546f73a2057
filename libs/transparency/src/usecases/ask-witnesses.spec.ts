import { describe, expect, it } from 'vitest';
import { signedLog, receiptRecords, type TestLog } from '../__fixtures__/receipt-log.js';
import { testWitness, type TestWitness } from '../__fixtures__/test-witness.js';
import { verifyEd25519 } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { createTreeHash } from '../domain/tree-hash.js';
import type { Witness, WitnessAnswer } from '../ports/witness.js';
import { WitnessRound } from './ask-witnesses.js';

const never = new AbortController().signal;

/** What a witness is asked, and what it says. */
function ofWitness(witness: TestWitness, answer: (old: number, note: string) => WitnessAnswer) {
  const asked: string[] = [];
  const port: Witness = {
    key: witness.key,
    addCheckpoint: async (request) => {
      const [head = '', ...rest] = request.split('\n\n');
      asked.push(head);
      return answer(Number(/^old (\d+)/.exec(head)?.[1]), rest.join('\n\n'));
    },
  };
  return { port, asked };
}

/** Remembers the last size, as the specification demands. */
function remembering(name: string, size = 0) {
  const witness = testWitness(name);
  let last = size;
  return ofWitness(witness, (old, note) => {
    if (old !== last) return { kind: 'conflict', size: last };
    last = Number(note.split('\n')[1]);
    return { kind: 'cosigned', lines: witness.cosign(note, 1_000 + last) };
  });
}

function roundOf(log: TestLog, ...witnesses: readonly Witness[]) {
  const kept: string[] = [];
  const round = new WitnessRound({
    witnesses,
    tilesOf: () => log.store,
    keep: async (_, note) => void kept.push(note),
    hash: createTreeHash(sha256),
    verify: verifyEd25519,
  });
  return { round, kept };
}

async function grown(log: TestLog, count: number): Promise<string> {
  const sequencer = await log.open();
  await log.log.writer.append(receiptRecords(sequencer.size, count)).durable;
  await log.readOn(sequencer);
  return (await sequencer.sign())?.note ?? '';
}

describe('a round of witnesses', () => {
  it('brings all the same checkpoint, and the next with the proof from the last', async () => {
    const log = await signedLog(5);
    const [a, b] = [remembering('a'), remembering('bb')];
    const { round, kept } = roundOf(log, a.port, b.port);

    await round.post(log.note, never);
    await round.post(await grown(log, 4), never);

    expect(a.asked.map((head) => head.split('\n').length)).toEqual([1, 6]);
    expect(a.asked.map((head) => head.split('\n')[0])).toEqual(['old 0', 'old 5']);
    expect(kept.map((note) => [...note.matchAll(/^— (\S+)/gm)].map(([, name]) => name))).toEqual([
      ['test.example/receipts/0', 'a', 'bb'],
      ['test.example/receipts/0', 'a', 'bb'],
    ]);
  });

  it('learns from a 409 what a witness has seen, after a restart for instance', async () => {
    const log = await signedLog(9);
    const a = remembering('a', 4);
    const { round, kept } = roundOf(log, a.port);

    await round.post(log.note, never);

    expect(a.asked.map((head) => head.split('\n')[0])).toEqual(['old 0', 'old 4']);
    expect(kept).toHaveLength(1);
  });

  it('says that the log was rolled back when a witness has cosigned more', async () => {
    const log = await signedLog(5);
    const { round, kept } = roundOf(log, remembering('a', 7).port);

    await expect(round.post(log.note, never)).rejects.toThrow(/a: has cosigned 7 entries, but only 5 .*rolled back/);

    expect(kept).toEqual([]);
  });

  it('keeps what came when another does not answer, and says which', async () => {
    const log = await signedLog(5);
    const a = remembering('a');
    const away: Witness = {
      key: testWitness('bb').key,
      addCheckpoint: () => Promise.reject(new Error('answered 503')),
    };
    const { round, kept } = roundOf(log, away, a.port);

    expect(await round.post(log.note, never)).toBe('bb: answered 503');

    expect(kept[0]).toMatch(/\n— a \S+\n$/);
  });

  it('keeps nothing of a witness that signs with another key, another text, or not at all', async () => {
    const log = await signedLog(5);
    const liars: [string, (note: string) => string][] = [
      ['does not fit its key', (note) => testWitness('a').cosign(note.replace('\n5\n', '\n6\n'), 5)],
      ['no cosignature of its key', (note) => testWitness('a', 99).cosign(note, 5)],
      ['no cosignature of its key', (note) => testWitness('bb').cosign(note, 5)],
      ['no cosignature of its key', () => ''],
      ['cannot be read', () => '— a x y\n'],
    ];
    for (const [reason, lines] of liars) {
      const { port } = ofWitness(testWitness('a'), (_, note) => ({ kind: 'cosigned', lines: lines(note) }));
      const { round, kept } = roundOf(log, port);

      await expect(round.post(log.note, never)).rejects.toThrow(reason);

      expect(kept).toEqual([]);
    }
  });

  it('gives up on a witness that names another size each time', async () => {
    const log = await signedLog(5);
    const { port, asked } = ofWitness(testWitness('a'), (old) => ({ kind: 'conflict', size: old + 1 }));

    await expect(roundOf(log, port).round.post(log.note, never)).rejects.toThrow('another size each time');

    expect(asked).toHaveLength(3);
  });
});
