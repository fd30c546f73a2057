import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ed25519Signer, verifyEd25519 } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { fromBase64, toBase64 } from './base64.js';
import { parseCheckpoint } from './checkpoint.js';
import { checkNote, formatNote, noteBytes, parseNote, type SignedNote } from './signed-note.js';
import { createVerifierKey, formatVerifierKey, parseVerifierKey, type VerifierKey } from './verifier-key.js';

/** The example of the C2SP signed-note specification. */
const C2SP_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const C2SP_NOTE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
/** The example of Go's golang.org/x/mod/sumdb/note, with its private key. */
const GO_SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const GO_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_NOTE = `${GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

const keyOf = (text: string): VerifierKey => parseVerifierKey(text, sha256) as VerifierKey;
const noteOf = (text: string): SignedNote => parseNote(text) as SignedNote;
const check = (note: string, ...keys: string[]): VerifierKey | string =>
  checkNote(noteOf(note), keys.map(keyOf), verifyEd25519);

const note = (text: string): string => `${text}\n— a AAAAAAE=\n`;

describe('signed notes', () => {
  it('of the C2SP specification verify', () => {
    expect(check(C2SP_NOTE, C2SP_KEY)).toEqual(keyOf(C2SP_KEY));
    expect(noteOf(C2SP_NOTE).text).toBe('This is an example message.\n');
  });

  it('come out byte for byte as those of Go', () => {
    const signer = new Ed25519Signer('PeterNeumann', GO_SEED);
    const key = createVerifierKey(signer.name, signer.publicKey, sha256);

    const signature = { name: key.name, id: key.id, signature: signer.sign(noteBytes(GO_TEXT)) };

    expect(formatVerifierKey(key)).toBe(GO_KEY);
    expect(formatNote({ text: GO_TEXT, signatures: [signature] })).toBe(GO_NOTE);
  });

  it('keep the signatures of others beside the one that counts', () => {
    const [goLine = ''] = GO_NOTE.split('\n').slice(-2);
    const witnessed = `${C2SP_NOTE}${goLine}\n`;

    expect(noteOf(witnessed).signatures).toHaveLength(2);
    expect(check(witnessed, C2SP_KEY)).toEqual(keyOf(C2SP_KEY));
    expect(check(witnessed, C2SP_KEY, GO_KEY)).toContain('PeterNeumann does not fit');
  });

  it('fail when any bit of them is flipped', () => {
    const bytes = Buffer.from(C2SP_NOTE);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const read = parseNote(changed.toString('utf8'));
      if (typeof read === 'string') continue;
      expect(typeof checkNote(read, [keyOf(C2SP_KEY)], verifyEd25519), `bit ${bit}`).toBe('string');
    }
  });

  it('are refused when they are no notes', () => {
    for (const text of [
      '',
      'a\n',
      'a\n\n',
      'a\n\nb\n',
      'a\n\n— x AAAA\n',
      C2SP_NOTE.slice(0, -1),
      `a\r\n\n${C2SP_NOTE}`,
    ]) {
      expect(typeof parseNote(text), JSON.stringify(text)).toBe('string');
    }
    expect(parseNote(`${C2SP_NOTE}${(C2SP_NOTE.split('\n\n')[1] ?? '').repeat(16)}`)).toContain('more than 16');
  });
});

describe('verifier keys', () => {
  it('are refused when name, id or key were changed', () => {
    for (const text of [
      C2SP_KEY.replace('foo', 'fop'),
      C2SP_KEY.replace('530d', '530e'),
      C2SP_KEY.replace('AekyeR', 'AekyeS'),
      C2SP_KEY.replace('+Ae', '+Be'),
      'example.com/foo',
      '',
    ]) {
      expect(typeof parseVerifierKey(text, sha256), text).toBe('string');
    }
  });
});

describe('checkpoints', () => {
  it('have an origin, a size without leading zeros and a root of 32 bytes', () => {
    const root = toBase64(new Uint8Array(32));

    expect(parseCheckpoint(note(`log\n12\n${root}\n`))).toMatchObject({ checkpoint: { origin: 'log', size: 12 } });
    for (const text of [`log\n012\n${root}\n`, `log\n-1\n${root}\n`, `log\n1\nAAAA\n`, `log\n1\n`, `\n1\n${root}\n`]) {
      expect(typeof parseCheckpoint(note(text)), text).toBe('string');
    }
  });
});

describe('base64', () => {
  it('has one text for some bytes and takes no other', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
    for (const text of ['A', 'AA', 'AB==', 'AA=A', 'A A=', '_-==', 'AAA=\n']) expect(fromBase64(text), text).toBeNull();
  });
});
