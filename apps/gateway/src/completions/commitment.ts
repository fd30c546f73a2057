import { createHash } from 'node:crypto';

/** sha256(salt ‖ body), hex: proves a body to whoever is given both, says nothing to anyone else. */
export function commitment(salt: Uint8Array, body: Uint8Array): string {
  return createHash('sha256').update(salt).update(body).digest('hex');
}

/** The same over a body that comes in pieces. */
export class RunningCommitment {
  readonly #hash;

  constructor(salt: Uint8Array) {
    this.#hash = createHash('sha256').update(salt);
  }

  add(piece: string | Uint8Array): void {
    this.#hash.update(piece);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}
