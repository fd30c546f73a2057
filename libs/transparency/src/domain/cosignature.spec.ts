import { describe, expect, it } from 'vitest';
import { signedNote, testWitness } from '../__fixtures__/test-witness.js';
import { verifyEd25519 } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { checkWitnesses } from './check-witnesses.js';
import { cosignedBytes, parseWitnessKeys, readCosignature } from './cosignature.js';
import { parseNote, type SignedNote } from './signed-note.js';
import { COSIGNATURE_V1, createVerifierKey, formatVerifierKey, parseVerifierKey } from './verifier-key.js';

/** The example of C2SP tlog-cosignature, whose witness signed at 1679315147. */
const C2SP_TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const C2SP_NOTE = `${C2SP_TEXT}
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;
const noteOf = (text: string): SignedNote => parseNote(text) as SignedNote;
const crypto = { digest: sha256, verify: verifyEd25519 };
const witnesses = ['w.example/a', 'w.example/bb', 'w.example/ccc'].map((name) => testWitness(name));
const [a, b, c] = witnesses as [(typeof witnesses)[0], (typeof witnesses)[0], (typeof witnesses)[0]];
const keys = (...of: (typeof a)[]): string => of.map(({ key }) => `${formatVerifierKey(key)}\n`).join('');
const note = signedNote(7);
const states = (text: string, min: number | null, ...of: (typeof a)[]): string[] =>
  checkWitnesses(text, keys(...of), min, crypto).map(({ state }) => state);

describe('a cosignature', () => {
  it('covers header, time and text as the specification writes them, and carries its time before the signature', () => {
    const [, line] = noteOf(C2SP_NOTE).signatures;
    const key = { ...a.key, name: 'witness.example.com/w1', id: Buffer.from('8d66cf3f', 'hex') };
    const seen: { message: string; signature: string }[] = [];

    const read = readCosignature(noteOf(C2SP_NOTE), key, (_, message, signature) => {
      seen.push({ message: Buffer.from(message).toString(), signature: Buffer.from(signature).toString('base64') });
      return true;
    });

    expect(read).toMatchObject({ kind: 'seen', atS: 1_679_315_147 });
    expect(seen).toEqual([
      {
        message: `cosignature/v1\ntime 1679315147\n${C2SP_TEXT}`,
        signature: Buffer.from(line?.signature.subarray(8) ?? []).toString('base64'),
      },
    ]);
  });

  it('is of a key whose id is made with the byte 4', () => {
    const material = Buffer.from('AVhZSmQj9+SoL+p/nN0Hh76xXmF7QcHfytUrI1XfSClk', 'base64').subarray(1);
    const log = createVerifierKey('Wit1', material, sha256);
    const witness = createVerifierKey('Wit1', material, sha256, COSIGNATURE_V1);

    expect(formatVerifierKey(log)).toBe('Wit1+55ee4561+AVhZSmQj9+SoL+p/nN0Hh76xXmF7QcHfytUrI1XfSClk');
    expect(Buffer.from(witness.id)).toEqual(
      Buffer.from(sha256(Buffer.concat([Buffer.from('Wit1\n\u0004'), material]))).subarray(0, 4),
    );
    expect(parseVerifierKey(formatVerifierKey(witness), sha256, COSIGNATURE_V1)).toMatchObject({
      name: 'Wit1',
      type: 4,
    });
    expect(parseVerifierKey(formatVerifierKey(witness), sha256)).toContain('of type 4');
    expect(parseVerifierKey(formatVerifierKey(log), sha256, COSIGNATURE_V1)).toContain('of type 1');
  });

  it('is worth nothing when any bit of it, its time or the checkpoint is flipped', () => {
    const bytes = Buffer.from(`${note}${a.cosign(note, 1_790_000_000)}`);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const read = parseNote(changed.toString('utf8'));
      if (typeof read === 'string') continue;
      const cosignature = readCosignature(read, a.key, verifyEd25519);
      // The log's own signature is not what a witness signs.
      const inLogLine = bit >> 3 >= note.indexOf('— ') && bit >> 3 < Buffer.byteLength(note);
      if (!inLogLine) expect(cosignature.kind, `bit ${bit}`).not.toBe('seen');
    }
  });

  it('has a time, and one that is no cosignature of 72 bytes is wrong', () => {
    const [own] = noteOf(note).signatures;
    const line = (signature: Uint8Array): SignedNote => ({
      text: noteOf(note).text,
      signatures: [...(own === undefined ? [] : [own]), { name: a.key.name, id: a.key.id, signature }],
    });

    for (const length of [1, 64, 71, 73]) {
      expect(readCosignature(line(new Uint8Array(length).fill(1)), a.key, () => true).kind).toBe('wrong');
    }
    expect(readCosignature(line(new Uint8Array(72)), a.key, () => true).kind).toBe('wrong');
    expect(readCosignature(line(new Uint8Array(72).fill(255)), a.key, () => true).kind).toBe('wrong');
  });

  it('counts by its youngest line, where a witness has signed twice', () => {
    const twice = `${note}${a.cosign(note, 20)}${a.cosign(note, 10)}`;

    expect(readCosignature(noteOf(twice), a.key, verifyEd25519)).toMatchObject({ kind: 'seen', atS: 20 });
    expect(Buffer.from(cosignedBytes('x\n', 5)).toString()).toBe('cosignature/v1\ntime 5\nx\n');
  });
});

describe('demanding witnesses', () => {
  const cosigned = `${note}${a.cosign(note, 1_790_000_000)}${b.cosign(note, 1_790_000_001)}`;

  it('is content with as many as were asked for, and says who has not signed', () => {
    expect(states(cosigned, null, a, b)).toEqual(['ok', 'ok']);
    expect(states(cosigned, 2, a, b, c)).toEqual(['ok', 'ok', 'unknown']);
    expect(checkWitnesses(cosigned, keys(a), null, crypto)[0]?.detail).toBe(
      'w.example/a saw test.example/receipts/0 with 7 entries at 2026-09-21T14:13:20Z',
    );
  });

  it('is not content with fewer, with a wrong one, or with the same key twice', () => {
    const forged = `${cosigned}${c.cosign(signedNote(8), 5)}`;

    expect(states(cosigned, null, a, b, c)).toEqual(['ok', 'ok', 'wrong']);
    expect(states(note, 1, a)).toEqual(['wrong']);
    expect(states(forged, 2, a, b, c)).toEqual(['ok', 'ok', 'wrong']);
    expect(states(cosigned, 3, a, b)).toEqual(['wrong']);
    expect(states(cosigned, 2, a, a)).toEqual(['wrong']);
    expect(checkWitnesses(cosigned, 'nonsense', null, crypto)[0]?.state).toBe('wrong');
    expect(checkWitnesses(cosigned, '\n', null, crypto)[0]?.state).toBe('wrong');
    const other = testWitness('another.name', 'w.example/a'.length);
    expect(parseWitnessKeys(keys(a, other), sha256)).toContain('twice');
  });
});
