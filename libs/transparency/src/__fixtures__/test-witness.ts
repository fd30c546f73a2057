import { Ed25519Signer } from '../adapters/node-crypto/ed25519.js';
import { sha256 } from '../adapters/node-crypto/sha256.js';
import { cosignedBytes } from '../domain/cosignature.js';
import { formatNote } from '../domain/signed-note.js';
import { COSIGNATURE_V1, createVerifierKey, type VerifierKey } from '../domain/verifier-key.js';
import { testSigner } from './receipt-log.js';

/** A witness in memory that cosigns whatever it is given. */
export interface TestWitness {
  readonly key: VerifierKey;
  /** A signature line over the note's text. */
  cosign(note: string, atS: number): string;
}

export function testWitness(name: string, seed = name.length): TestWitness {
  const signer = new Ed25519Signer(name, new Uint8Array(32).fill(seed));
  const key = createVerifierKey(name, signer.publicKey, sha256, COSIGNATURE_V1);
  return {
    key,
    cosign: (note, atS) => {
      const text = note.slice(0, note.indexOf('\n\n') + 1);
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(atS));
      const signature = Buffer.concat([time, signer.sign(cosignedBytes(text, atS))]);
      return formatNote({ text: '', signatures: [{ name, id: key.id, signature }] }).slice(1);
    },
  };
}

/** A checkpoint of the test log with a root made of its size, signed by the log. */
export function signedNote(size: number, origin = 'test.example/receipts/0'): string {
  const root = Buffer.from(sha256(Buffer.from(`root ${size}`))).toString('base64');
  const text = `${origin}\n${size}\n${root}\n`;
  const { id } = createVerifierKey(origin, testSigner.publicKey, sha256);
  return formatNote({ text, signatures: [{ name: origin, id, signature: testSigner.sign(Buffer.from(text)) }] });
}
