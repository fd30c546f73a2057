import { describe, expect, it } from 'vitest';
import { verifyEd25519 } from '../adapters/node-crypto/ed25519.js';
import type { NoteSigner } from './note-signer.js';

/** Every signer passes this; `open` gives the same key at every call. */
export function noteSignerContract(name: string, open: () => Promise<NoteSigner>): void {
  const message = new TextEncoder().encode('origin\n1\nroot\n');

  describe(`NoteSigner: ${name}`, () => {
    it('makes signatures that its public key verifies, and no other text', async () => {
      const signer = await open();

      const signature = signer.sign(message);

      expect(signature).toHaveLength(64);
      expect(signer.publicKey).toHaveLength(32);
      expect(verifyEd25519(signer.publicKey, message, signature)).toBe(true);
      expect(verifyEd25519(signer.publicKey, message.with(0, 0), signature)).toBe(false);
      expect(verifyEd25519(signer.publicKey, message, Buffer.from(signature).fill(0))).toBe(false);
      expect(verifyEd25519(new Uint8Array(32).fill(255), message, signature)).toBe(false);
    });

    it('is the same at every start', async () => {
      const [a, b] = [await open(), await open()];

      expect([b.name, b.publicKey, Buffer.from(b.sign(message))]).toEqual([
        a.name,
        a.publicKey,
        Buffer.from(a.sign(message)),
      ]);
    });
  });
}
