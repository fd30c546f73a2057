import { parseCount } from '../../domain/checkpoint.js';
import type { VerifierKey } from '../../domain/verifier-key.js';
import type { Witness, WitnessAnswer } from '../../ports/witness.js';
import { OutsideClient, type OutsideAddress } from './outside-client.js';

const OK = 200;
const CONFLICT = 409;
/** What C2SP tlog-witness means by them. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [403, "it does not know the log's key, or the signature does not fit"],
  [404, 'it does not know the log; give it the key of this log'],
  [422, 'the checkpoint does not belong to the history that it has seen'],
]);

/** A witness behind HTTP: `POST <submission prefix>/add-checkpoint`. */
export class HttpWitness implements Witness {
  readonly #client: OutsideClient;

  /** @param address its `url` is the submission prefix. */
  constructor(
    readonly key: VerifierKey,
    address: OutsideAddress,
  ) {
    this.#client = new OutsideClient({ ...address, url: `${address.url.replace(/\/+$/, '')}/add-checkpoint` });
  }

  async addCheckpoint(request: string, signal: AbortSignal): Promise<WitnessAnswer> {
    const known = (status: number): boolean => status === OK || status === CONFLICT || REFUSALS.has(status);
    const { status, body } = await this.#client.post(request, signal, known);
    if (status === OK) return { kind: 'cosigned', lines: body };
    const size = status === CONFLICT ? parseCount(body.trimEnd()) : null;
    if (size !== null) return { kind: 'conflict', size };
    throw new Error(`answered ${status}: ${REFUSALS.get(status) ?? 'no size'}`);
  }
}
