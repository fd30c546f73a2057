import { join } from 'node:path';
import { RouterError } from '#events/domain/router-error.js';
import { HttpWitness } from './adapters/axios/http-witness.js';
import type { OutsideAddress } from './adapters/axios/outside-client.js';
import { CosignatureInbox } from './adapters/files/cosignature-inbox.js';
import { verifyEd25519 } from './adapters/node-crypto/ed25519.js';
import { sha256 } from './adapters/node-crypto/sha256.js';
import { parseWitnessKeys } from './domain/cosignature.js';
import { createTreeHash } from './domain/tree-hash.js';
import type { VerifierKey } from './domain/verifier-key.js';
import type { CheckpointReceiver } from './ports/checkpoint-receiver.js';
import type { NoteSigner } from './ports/note-signer.js';
import { openTileStore } from './transparency.module.js';
import { WitnessRound } from './usecases/ask-witnesses.js';
import { CosignedKeeper } from './usecases/keep-cosigned.js';
import { logOrigin, logVerifierKey } from './usecases/log-sequencer.js';

export interface WitnessSettings {
  /** `<name>+<id>+<base64>`, of type 0x04. */
  readonly key: string;
  /** Submission prefix of C2SP tlog-witness; `null` = its cosignatures come as files. */
  readonly address: OutsideAddress | null;
}

/** @throws RouterError `configuration` for a key that cannot be used, or stands there twice. */
export function checkWitnessSettings(witnesses: readonly WitnessSettings[]): void {
  if (witnesses.length > 0) readWitnessKeys(witnesses);
}

function readWitnessKeys(witnesses: readonly WitnessSettings[]): readonly VerifierKey[] {
  const keys = parseWitnessKeys(witnesses.map(({ key }) => key).join('\n'), sha256);
  if (typeof keys !== 'string') return keys;
  throw new RouterError({ code: 'configuration', publicMessage: `transparency.witnesses: ${keys}` });
}

/** Gets cosignatures of witnesses and keeps them beside the checkpoints of a folder's logs. */
export interface Witnessing {
  /** To be brought checkpoints; `null` when no witness has an address. */
  readonly receiver: CheckpointReceiver | null;
  /** Looks once for dropped files. */
  look(): Promise<void>;
}

/**
 * @param directory `<dataDir>/transparency`; files are dropped into `cosignatures` there.
 * @param onFailure about files that were not taken.
 */
export function openWitnessing(
  directory: string,
  signer: NoteSigner,
  witnesses: readonly WitnessSettings[],
  onFailure: (error: unknown) => void,
): Witnessing {
  const keys = readWitnessKeys(witnesses);
  const keeper = new CosignedKeeper({
    witnesses: keys,
    verify: verifyEd25519,
    logOf: (origin) => {
      const partition = partitionOf(origin);
      if (!Number.isSafeInteger(partition) || origin !== logOrigin(signer.name, partition)) return null;
      return { key: logVerifierKey(signer, partition, sha256), store: openTileStore(directory, partition) };
    },
  });
  const inbox = new CosignatureInbox(join(directory, 'cosignatures'), (note) => keeper.add(note), onFailure);
  const asked = witnesses.flatMap(({ address }, n) => {
    const key = keys[n];
    return address === null || key === undefined ? [] : [new HttpWitness(key, address)];
  });
  const receiver = new WitnessRound({
    witnesses: asked,
    tilesOf: (origin) => openTileStore(directory, partitionOf(origin)),
    keep: (_, note) => keeper.add(note),
    hash: createTreeHash(sha256),
    verify: verifyEd25519,
  });
  return { receiver: asked.length === 0 ? null : receiver, look: () => inbox.look() };
}

const partitionOf = (origin: string): number => Number(origin.slice(origin.lastIndexOf('/') + 1));
