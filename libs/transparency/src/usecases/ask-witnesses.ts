import { toBase64 } from '../domain/base64.js';
import { parseCheckpoint, type Checkpoint } from '../domain/checkpoint.js';
import { readCosignature } from '../domain/cosignature.js';
import { parseNote, type VerifySignature } from '../domain/signed-note.js';
import type { TreeHash } from '../domain/tree-hash.js';
import type { CheckpointReceiver } from '../ports/checkpoint-receiver.js';
import type { TileReader } from '../ports/tile-store.js';
import type { Witness } from '../ports/witness.js';
import { proveConsistency } from './prove-entry.js';

export interface WitnessRoundParts {
  readonly witnesses: readonly Witness[];
  /** The log's tiles, by its origin. */
  readonly tilesOf: (origin: string) => TileReader;
  /** Keeps a checkpoint with the cosignatures that came for it. */
  readonly keep: (origin: string, note: string) => Promise<void>;
  readonly hash: TreeHash;
  readonly verify: VerifySignature;
}

/** A witness may have gone on between its 409 and our second try. */
const TRIES = 3;

/** The body of `add-checkpoint`: from which size, the proof that the log only grew since, and the checkpoint. */
export function addCheckpointRequest(oldSize: number, proof: readonly Uint8Array[], note: string): string {
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`;
}

/**
 * Asks all witnesses at once to cosign the same checkpoint, so that a quorum stands on one. What came is kept also when
 * others did not answer; those are asked again at the next turn, as a rule for a newer one.
 */
export class WitnessRound implements CheckpointReceiver {
  readonly name = 'witnesses';
  readonly #parts: WitnessRoundParts;
  /** The size that a witness has cosigned last, by witness and origin; not known after a start. */
  readonly #sizes = new Map<string, number>();

  constructor(parts: WitnessRoundParts) {
    this.#parts = parts;
  }

  async post(note: string, signal: AbortSignal): Promise<string | void> {
    const parsed = parseCheckpoint(note);
    if (typeof parsed === 'string') throw new Error(parsed);
    const { checkpoint } = parsed;
    const { witnesses, keep } = this.#parts;
    const answers = await Promise.allSettled(witnesses.map((witness) => this.#ask(witness, checkpoint, note, signal)));
    const lines = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (lines.length > 0) await keep(checkpoint.origin, `${note}${lines.join('')}`);
    const failed = answers.flatMap((answer, n) =>
      answer.status === 'fulfilled' ? [] : [`${witnesses[n]?.key.name}: ${reasonOf(answer.reason)}`],
    );
    if (failed.length === 0) return undefined;
    if (lines.length === 0) throw new Error(failed.join('; '));
    return failed.join('; ');
  }

  async #ask(witness: Witness, checkpoint: Checkpoint, note: string, signal: AbortSignal): Promise<string> {
    const { tilesOf, hash } = this.#parts;
    const { origin, size } = checkpoint;
    const place = `${witness.key.name}\n${origin}`;
    let old = this.#sizes.get(place) ?? 0;
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (old > size) {
        throw new Error(
          `has cosigned ${old} entries, but only ${size} are signed: the log was rolled back, or another one signs with its key`,
        );
      }
      const proof = await proveConsistency(tilesOf(origin), { size: old }, checkpoint, hash);
      const answer = await witness.addCheckpoint(addCheckpointRequest(old, proof, note), signal);
      if (answer.kind === 'cosigned') {
        const lines = this.#check(witness, note, answer.lines);
        this.#sizes.set(place, size);
        return lines;
      }
      old = answer.size;
      this.#sizes.set(place, old);
    }
    throw new Error('says another size each time; does somebody else bring it checkpoints of this log?');
  }

  /** Only the lines of the witness's own key, verified. */
  #check({ key }: Witness, note: string, lines: string): string {
    const own = lines
      .split('\n')
      .filter((line) => line.startsWith(`— ${key.name} `))
      .map((line) => `${line}\n`)
      .join('');
    const answered = parseNote(`${note}${own}`);
    if (typeof answered === 'string') throw new Error(`its answer cannot be read: ${answered}`);
    const cosignature = readCosignature(answered, key, this.#parts.verify);
    if (cosignature.kind === 'seen') return own;
    throw new Error(
      cosignature.kind === 'wrong'
        ? 'its cosignature does not fit its key'
        : 'its answer has no cosignature of its key',
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
