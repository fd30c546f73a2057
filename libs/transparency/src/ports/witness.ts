import type { VerifierKey } from '../domain/verifier-key.js';

/** Somebody outside who cosigns checkpoints of logs that only grow (C2SP tlog-witness). */
export interface Witness {
  readonly key: VerifierKey;
  /**
   * @param request an `add-checkpoint` body.
   * @returns signature lines, or the size of the last checkpoint that the witness has cosigned where the request named
   *   another one. Rejects with a reason that holds no secret.
   */
  addCheckpoint(request: string, signal: AbortSignal): Promise<WitnessAnswer>;
}

export type WitnessAnswer =
  { readonly kind: 'cosigned'; readonly lines: string } | { readonly kind: 'conflict'; readonly size: number };
