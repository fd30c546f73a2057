import { hkdfSync } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TOPICS } from '#events/domain/topics.js';
import { CheckpointWebhook, type CheckpointWebhookOptions } from './adapters/axios/checkpoint-webhook.js';
import { CheckpointExport } from './adapters/files/checkpoint-export.js';
import { FileTileStore } from './adapters/files/file-tile-store.js';
import { readOrMakeSigningKey, signerName } from './adapters/files/signing-key.js';
import { MemoryTileStore } from './adapters/memory/memory-tile-store.js';
import { Ed25519Signer, SEED_BYTES, verifyEd25519 } from './adapters/node-crypto/ed25519.js';
import { sha256 } from './adapters/node-crypto/sha256.js';
import type { NoteSigner } from './ports/note-signer.js';
import type { CheckpointReceiver } from './ports/checkpoint-receiver.js';
import type { TileStore } from './ports/tile-store.js';
import { largestOf, lastPublished, publishedNotes } from './usecases/last-published.js';
import { logVerifierKey } from './usecases/log-sequencer.js';
import { rebuildLog, type RebuiltLog } from './usecases/rebuild-log.js';
import { runSequencer, type RunningSequencer, type SequencerParts } from './usecases/run-sequencer.js';

export { createSha256TreeHash, NODE_CRYPTO } from './crypto.module.js';

const publicKeyOf = (seed: Uint8Array): Uint8Array => new Ed25519Signer('', seed).publicKey;

/**
 * The signer of this installation; its key file is made at the first call (mode 0600).
 * @param keyFile `<dataDir>/secrets/transparency-key`.
 * @throws RouterError `configuration` when the file cannot be understood.
 */
export async function openSigner(keyFile: string): Promise<NoteSigner> {
  const { name, seed } = await readOrMakeSigningKey(keyFile, publicKeyOf);
  return new Ed25519Signer(name, seed);
}

/** In bytes that differ from every other use of the master key. */
const DERIVATION = 'nextmodel transparency signing key v1';

/**
 * The signer of all gateways that have the same master key: for the shared mode, in which no gateway's data directory
 * is more than another's. Another master key is another signer, and so another log.
 */
export function deriveSigner(masterKey: string): NoteSigner {
  const seed = new Uint8Array(hkdfSync('sha256', masterKey, '', DERIVATION, SEED_BYTES));
  return new Ed25519Signer(signerName(publicKeyOf(seed)), seed);
}

/** @param directory `<dataDir>/transparency`; each log has a folder in it, `receipts/<partition>`. */
export function openTileStore(directory: string, partition: number): TileStore {
  return new FileTileStore(join(directory, 'receipts', String(partition)));
}

/**
 * Tiles that live as long as the process.
 * @public for tests and embedders
 */
export function createMemoryTileStore(): TileStore {
  return new MemoryTileStore();
}

export interface SequencerOptions extends Pick<
  SequencerParts,
  'reader' | 'onCheckpoint' | 'onRefused' | 'onAgreed' | 'onError' | 'rereadsLast' | 'timing'
> {
  /** `<dataDir>/transparency`. */
  readonly directory: string;
  readonly signer: NoteSigner;
}

/** A URL that gets checkpoints; see `CheckpointDelivery`. */
export function createCheckpointWebhook(options: CheckpointWebhookOptions): CheckpointReceiver {
  return new CheckpointWebhook(options);
}

/** A folder that gets every checkpoint. Opening it does nothing yet. */
export function openCheckpointExport(directory: string, onFailure: (error: unknown) => void): CheckpointExport {
  return new CheckpointExport(directory, onFailure);
}

/** One reading of the published checkpoints serves all logs that are opened together. */
const PUBLISHED_FRESH_MS = 5_000;

/** Makes and signs the Merkle trees of all partitions of the receipts. Only one process may do so for a directory. */
export function startSequencer(options: SequencerOptions): RunningSequencer {
  const { directory, signer, ...rest } = options;
  let published: ReturnType<typeof publishedNotes> | null = null;
  let readAtMs = 0;
  return runSequencer({
    ...rest,
    signer,
    storeOf: (partition) => openTileStore(directory, partition),
    digest: sha256,
    lastPublished: async (origin) => {
      if (published === null || performance.now() - readAtMs > PUBLISHED_FRESH_MS) {
        readAtMs = performance.now();
        published = publishedNotes(rest.reader);
        published.catch(() => {
          published = null;
        });
      }
      return largestOf((await published).get(origin), keyOf(signer, origin), verifyEd25519);
    },
  });
}

function keyOf(signer: NoteSigner, origin: string): ReturnType<typeof logVerifierKey> {
  return logVerifierKey(signer, Number(origin.slice(origin.lastIndexOf('/') + 1)), sha256);
}

export interface RebuildOptions extends Pick<SequencerOptions, 'reader' | 'directory' | 'signer'> {
  readonly partition: number;
  readonly onProgress: (read: number, total: number) => void;
}

/**
 * Rebuilds the tree of one log from its records, compares it with what was signed, and puts it in place of the former
 * one if they agree. The sequencer must not run.
 * @returns `null` when nothing was ever signed for this log.
 */
export async function rebuildTransparencyLog(options: RebuildOptions): Promise<RebuiltLog | null> {
  const { reader, directory, partition, signer } = options;
  const store = openTileStore(directory, partition);
  const key = logVerifierKey(signer, partition, sha256);
  const note = (await store.readCheckpoint()) ?? (await lastPublished(reader, key, verifyEd25519));
  if (note === null) return null;
  const rebuilt = join(directory, 'rebuilt');
  await rm(rebuilt, { recursive: true, force: true });
  const fresh = openTileStore(rebuilt, partition);
  const parts = { reader, topic: TOPICS.receipts, partition, store, digest: sha256 };
  const result = await rebuildLog(parts, note, fresh, options.onProgress);
  if (result.matches) {
    const cosigned = await store.readCosigned();
    if (cosigned.length > 0) await fresh.writeCosigned(cosigned);
    const live = join(directory, 'receipts', String(partition));
    await mkdir(join(directory, 'receipts'), { recursive: true });
    await rename(live, `${live}.former`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(join(rebuilt, 'receipts', String(partition)), live);
    await rm(`${live}.former`, { recursive: true, force: true });
  }
  await rm(rebuilt, { recursive: true, force: true });
  return result;
}
