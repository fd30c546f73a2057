import { expect, it } from 'vitest';
import { noteSignerContract } from '../../ports/note-signer.contract.js';
import { Ed25519Signer } from './ed25519.js';

noteSignerContract('in memory', async () => new Ed25519Signer('example', new Uint8Array(32).fill(7)));

it('a signer needs 32 secret bytes', () => {
  expect(() => new Ed25519Signer('example', new Uint8Array(31))).toThrow(RangeError);
});
