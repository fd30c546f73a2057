import type { Crypto } from '#transparency/domain/check-inclusion.js';

/** The part of `crypto.subtle` that is needed; browsers and Node have it. */
export interface Subtle {
  digest(algorithm: string, bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
  importKey(
    format: 'raw',
    bytes: Uint8Array<ArrayBuffer>,
    name: string,
    extractable: boolean,
    uses: string[],
  ): Promise<unknown>;
  verify(
    name: string,
    key: never,
    signature: Uint8Array<ArrayBuffer>,
    message: Uint8Array<ArrayBuffer>,
  ): Promise<boolean>;
}

/** Asked for a result that is not there yet. */
class Pending {
  constructor(readonly make: () => Promise<unknown>) {}
}

/**
 * Runs a pure check, which wants its hashes at once, over WebCrypto, which gives them later: whenever one is missing the
 * check is left, the hash is made, and the check begins again with all that is known so far. It asks the same in the
 * same order each time, so the number of a call names its result.
 */
export async function overWebCrypto<T>(check: (crypto: Crypto) => T | Promise<T>, subtle: Subtle): Promise<T> {
  const known: unknown[] = [];
  for (;;) {
    let calls = 0;
    const ask = (make: () => Promise<unknown>): unknown => {
      if (calls >= known.length) throw new Pending(make);
      calls += 1;
      return known[calls - 1];
    };
    try {
      return await check({
        digest: (bytes) => ask(() => digestOf(subtle, bytes.slice())) as Uint8Array,
        verify: (key, message, signature) =>
          ask(() => verifyEd25519(subtle, key.slice(), message.slice(), signature.slice())) as boolean,
      });
    } catch (thrown) {
      if (!(thrown instanceof Pending)) throw thrown;
      known.push(await thrown.make());
    }
  }
}

async function digestOf(subtle: Subtle, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await subtle.digest('SHA-256', bytes));
}

/** False also for a key that is no point of the curve. */
async function verifyEd25519(
  subtle: Subtle,
  publicKey: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  let key: unknown;
  try {
    key = await subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  } catch (thrown) {
    if ((thrown as Error).name === 'NotSupportedError') throw thrown;
    return false;
  }
  return subtle.verify('Ed25519', key as never, signature, message);
}
