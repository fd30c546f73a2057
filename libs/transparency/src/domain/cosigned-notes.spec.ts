import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testSigner } from '../__fixtures__/receipt-log.js';
import { signedNote, testWitness } from '../__fixtures__/test-witness.js';
import { verifyEd25519 } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { addCosigned, bestCosigned, joinNotes, splitNotes } from './cosigned-notes.js';
import { createVerifierKey } from './verifier-key.js';

const witnesses = ['a', 'bb', 'ccc'].map((name) => testWitness(name));
const stranger = testWitness('stranger');
const parts = {
  logKey: createVerifierKey('test.example/receipts/0', testSigner.publicKey, sha256),
  witnesses: witnesses.map(({ key }) => key),
  verify: verifyEd25519,
};
const cosigned = (size: number, ...by: number[]): string => {
  const note = signedNote(size);
  return `${note}${by.map((n) => witnesses[n]?.cosign(note, 100 + size) ?? '').join('')}`;
};
const addAll = (...notes: string[]): readonly string[] =>
  notes.reduce<readonly string[]>((held, note) => {
    const next = addCosigned(held, note, parts);
    if (typeof next === 'string') throw new Error(next);
    return next;
  }, []);
const signersOf = (note: string): string => [...note.matchAll(/^— (\S+) /gm)].map(([, name]) => name).join(' ');
const LOG = 'test.example/receipts/0';

const of = (text: string): readonly string[] | string => addCosigned([], text, parts);

describe('cosigned checkpoints', () => {
  it('of one text become one, each witness with its youngest signature, in the order of the keys', () => {
    const note = signedNote(5);
    const later = witnesses[0]?.cosign(note, 999) ?? '';

    const held = addAll(cosigned(5, 1), cosigned(5, 0), `${note}${later}`, cosigned(5, 0));

    expect(held.map(signersOf)).toEqual([`${LOG} a bb`]);
    expect(held[0]).toContain(later);
  });

  it('stay until one at least as large has all their witnesses', () => {
    const held = addAll(cosigned(5, 0, 1), cosigned(9, 0));
    const after = addAll(...held, cosigned(11, 1), cosigned(12, 0, 1));

    expect(held.map(signersOf)).toEqual([`${LOG} a`, `${LOG} a bb`]);
    expect(after).toEqual([cosigned(12, 0, 1)]);
  });

  it('are few for whatever comes in whatever order, and none is lost that says more', () => {
    const some = fc.record({
      size: fc.integer({ min: 1, max: 6 }),
      by: fc.subarray([0, 1, 2], { minLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 8 }), (given) => {
        const held = addAll(...given.map(({ size, by }) => cosigned(size, ...by)));

        expect(held.length).toBeLessThanOrEqual(7);
        for (const { size, by } of given) {
          const names = by.map((n) => witnesses[n]?.key.name ?? '');
          const covered = held.some(
            (note) => Number(note.split('\n')[1]) >= size && names.every((name) => note.includes(`— ${name} `)),
          );
          expect(covered).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('leave strangers out, and are refused without a known witness, with a forged line, or of another log', () => {
    const note = signedNote(5);
    const withStranger = `${cosigned(5, 0)}${stranger.cosign(note, 1)}`;

    expect(of(withStranger)).toEqual([cosigned(5, 0)]);
    expect(of(`${note}${stranger.cosign(note, 1)}`)).toBe('no known witness has signed it');
    expect(of(`${note}${witnesses[0]?.cosign(signedNote(6), 1)}`)).toBe('the cosignature of a does not fit');
    expect(of(cosigned(5, 0).replace('\n5\n', '\n6\n'))).toContain('does not fit');
    expect(of(cosigned(5, 0).replace('receipts/0\n', 'receipts/1\n'))).toContain('receipts/1, not of');
  });

  it('prove an entry with the one that most have signed, the larger of two, and none that is too small', () => {
    const held = addAll(cosigned(5, 0, 1), cosigned(9, 0), cosigned(11, 2));

    expect(bestCosigned(held, 4)).toBe(cosigned(5, 0, 1));
    expect(bestCosigned(held, 5)).toBe(cosigned(11, 2));
    expect(bestCosigned(held, 11)).toBeNull();
  });

  it('are read back from one text, as the export writes it', () => {
    const notes = [cosigned(5, 0, 1), signedNote(9)];

    expect(splitNotes(joinNotes(notes))).toEqual(notes);
    expect(splitNotes(notes[0] ?? '')).toEqual([notes[0]]);
    expect(splitNotes('')).toEqual([]);
  });
});
