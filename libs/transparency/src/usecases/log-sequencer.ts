import type { StoredRecord } from '#events/domain/event-record.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { checkpointText, parseCheckpoint, type Checkpoint } from '../domain/checkpoint.js';
import { GrowingTree } from '../domain/merkle-tree.js';
import { formatNote, noteBytes } from '../domain/signed-note.js';
import { sameBytes, toHex, type Digest, type TreeHash, createTreeHash } from '../domain/tree-hash.js';
import { createVerifierKey, type VerifierKey } from '../domain/verifier-key.js';
import type { NoteSigner } from '../ports/note-signer.js';
import type { TileStore } from '../ports/tile-store.js';
import { PendingHashes } from './pending-hashes.js';
import { LogContradiction, resumeTree, rootsDiffer } from './resume-tree.js';

/** What one log is made of. */
export interface LogParts {
  readonly topic: string;
  readonly partition: number;
  readonly reader: EventLogReader;
  readonly store: TileStore;
  readonly signer: NoteSigner;
  readonly digest: Digest;
  /**
   * The newest checkpoint that was published elsewhere, so that one who deletes the tiles, or puts old ones in their
   * place, is held to what was signed; `null` when none is known.
   */
  readonly lastPublished?: (origin: string) => Promise<string | null>;
}

/** A checkpoint as it was signed and stored. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: string;
  readonly partition: number;
}

/** Records are compared with the tree's last leaves when it is resumed. */
const COMPARED_MAX = 256;
const READ = { recordsMax: 2_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 };

/** `<name>/receipts/<partition>`: identifies a log for ever. */
export function logOrigin(signerName: string, partition: number): string {
  return `${signerName}/receipts/${partition}`;
}

/** The public key of one log; its name is the log's origin, as witnesses expect. */
export function logVerifierKey(
  signer: Pick<NoteSigner, 'name' | 'publicKey'>,
  partition: number,
  digest: Digest,
): VerifierKey {
  return createVerifierKey(logOrigin(signer.name, partition), signer.publicKey, digest);
}

/**
 * Turns one partition of the log into a Merkle tree with signed heads. Leaf = the exact bytes of a record's value, leaf
 * index = its offset. One at a time for each log.
 */
export class LogSequencer {
  readonly #parts: LogParts;
  readonly #hash: TreeHash;
  readonly #key: VerifierKey;
  readonly #pending = new PendingHashes();
  #tree: GrowingTree;
  #signed: SignedCheckpoint | null;
  /** Of the tree's last entry; `null` when the log has none of it any more, or the tree is empty. */
  #lastLeaf: Uint8Array | null = null;

  private constructor(parts: LogParts, hash: TreeHash, tree: GrowingTree, signed: SignedCheckpoint | null) {
    this.#parts = parts;
    this.#hash = hash;
    this.#key = logVerifierKey(parts.signer, parts.partition, parts.digest);
    this.#tree = tree;
    this.#signed = signed;
  }

  /**
   * Goes on from the stored tiles; where they are missing or damaged, from the log.
   * @throws LogContradiction when the log no longer says what was signed, or was signed under another key's name.
   */
  static async open(parts: LogParts): Promise<LogSequencer> {
    const hash = createTreeHash(parts.digest);
    const stored = await parts.store.readCheckpoint();
    const published = (await parts.lastPublished?.(logOrigin(parts.signer.name, parts.partition))) ?? null;
    const signed = newest(stored, published, parts);
    if (signed === null) return new LogSequencer(parts, hash, new GrowingTree(hash), null);
    const tree = await resumeTree(parts.store, signed, hash);
    if (tree === null) {
      const sequencer = new LogSequencer(parts, hash, new GrowingTree(hash), signed);
      await sequencer.#rebuildTo(signed);
      if (signed.note !== stored) await parts.store.writeCheckpoint(signed.note);
      return sequencer;
    }
    if (signed.note !== stored) await parts.store.writeCheckpoint(signed.note);
    const sequencer = new LogSequencer(parts, hash, tree, signed);
    await sequencer.#compareTail(signed);
    return sequencer;
  }

  /** Leaves in the tree: the next offset to read. */
  get size(): number {
    return this.#tree.size;
  }

  /** Leaves that no checkpoint covers yet. */
  get unsigned(): number {
    return this.#tree.size - (this.#signed?.size ?? 0);
  }

  get signed(): SignedCheckpoint | null {
    return this.#signed;
  }

  /**
   * Adds records in the order of their offsets; those that are in the tree already are passed over, except that the
   * tree's last entry, when it is among them, has to be the same.
   * @throws LogContradiction for a gap: leaves would get other indices than offsets; or when the last entry has changed:
   *   the topic was made anew.
   */
  append(records: readonly StoredRecord[]): void {
    for (const { offset, value } of records) {
      const index = Number(offset);
      if (index < this.#tree.size) {
        if (index === this.#tree.size - 1) this.#compareLast(index, value);
        continue;
      }
      if (index > this.#tree.size) {
        throw new LogContradiction(`the log goes on at offset ${index}, but the tree ends at ${this.#tree.size}`);
      }
      this.#lastLeaf = this.#hash.leaf(value);
      this.#tree.append(this.#lastLeaf, this.#pending.add);
    }
  }

  /** @throws LogContradiction when the log ends before the tree does. */
  checkHead(head: bigint): void {
    if (head < BigInt(this.#tree.size)) throw tooShort({ size: this.#tree.size }, Number(head));
  }

  #compareLast(index: number, value: Uint8Array): void {
    if (this.#lastLeaf === null) return;
    const leaf = this.#hash.leaf(value);
    if (!sameBytes(leaf, this.#lastLeaf)) throw leavesDiffer(index, leaf, this.#lastLeaf);
  }

  /**
   * Writes the tiles, signs the tree's head and stores it.
   * @returns `null` when there is nothing new to sign.
   * @throws Error when the stored checkpoint is not the one that this tree grew from: open the log anew, which checks
   *   what is stored against what is in the log.
   */
  async sign(): Promise<SignedCheckpoint | null> {
    if (this.unsigned <= 0) return null;
    const { store, signer, partition } = this.#parts;
    const stored = await store.readCheckpoint();
    if (stored !== (this.#signed?.note ?? null)) {
      throw new Error('somebody else has signed for this log, or its checkpoint was deleted');
    }
    await this.#pending.writeTo(store);
    const checkpoint = { origin: this.#key.name, size: this.#tree.size, root: this.#tree.root() };
    const text = checkpointText(checkpoint);
    const signature = { name: this.#key.name, id: this.#key.id, signature: signer.sign(noteBytes(text)) };
    const note = formatNote({ text, signatures: [signature] });
    await store.writeCheckpoint(note);
    this.#signed = { ...checkpoint, note, partition };
    return this.#signed;
  }

  async #rebuildTo(signed: Checkpoint): Promise<void> {
    const { topic, partition, reader, store } = this.#parts;
    while (this.#tree.size < signed.size) {
      const left = signed.size - this.#tree.size;
      const from = { topic, partition, offset: BigInt(this.#tree.size) };
      const { records } = await reader.read(from, { ...READ, recordsMax: Math.min(READ.recordsMax, left) });
      if (records.length === 0) throw tooShort(signed, this.#tree.size);
      this.append(records);
      await this.#pending.writeTo(store);
    }
    if (!sameBytes(this.#tree.root(), signed.root)) throw rootsDiffer(signed, this.#tree.root());
  }

  /** Does the log still hold what the last leaves say? Retention may have taken them; a power cut must not. */
  async #compareTail(signed: Checkpoint): Promise<void> {
    const { topic, partition, reader, store } = this.#parts;
    const { first, head } = await reader.bounds(topic, partition);
    this.checkHead(head);
    const tileIndex = Math.floor((signed.size - 1) / COMPARED_MAX);
    const tile = await store.readTile({ level: 0, index: tileIndex });
    let offset = BigInt(tileIndex * COMPARED_MAX);
    if (offset < first) offset = first;
    if (tile === null) return;
    while (offset < BigInt(signed.size)) {
      const { records, nextOffset } = await reader.read({ topic, partition, offset }, READ);
      if (records.length === 0) return;
      for (const record of records) {
        const at = Number(record.offset) - tileIndex * COMPARED_MAX;
        if (Number(record.offset) >= signed.size) return;
        const stored = tile.subarray(at * 32, at * 32 + 32);
        const leaf = this.#hash.leaf(record.value);
        if (!sameBytes(stored, leaf)) throw leavesDiffer(record.offset, leaf, stored);
        this.#lastLeaf = leaf;
      }
      offset = nextOffset;
    }
  }
}

function newest(stored: string | null, published: string | null, parts: LogParts): SignedCheckpoint | null {
  const own = stored === null ? null : toSigned(stored, parts);
  const other = published === null ? null : toSigned(published, parts);
  return (other?.size ?? 0) > (own?.size ?? 0) ? other : own;
}

function toSigned(note: string, { signer, partition }: LogParts): SignedCheckpoint {
  const parsed = parseCheckpoint(note);
  if (typeof parsed === 'string') throw new LogContradiction(`the stored checkpoint cannot be read: ${parsed}`);
  const origin = logOrigin(signer.name, partition);
  if (parsed.checkpoint.origin !== origin) {
    throw new LogContradiction(`the stored checkpoint is of ${parsed.checkpoint.origin}, not of ${origin}`);
  }
  return { ...parsed.checkpoint, note, partition };
}

function leavesDiffer(offset: bigint | number, leaf: Uint8Array, signed: Uint8Array): LogContradiction {
  return new LogContradiction(
    `record ${offset} of the log has leaf hash ${toHex(leaf)}, but ${toHex(signed)} was signed: the log was replaced`,
  );
}

function tooShort(signed: Pick<Checkpoint, 'size'>, head: number): LogContradiction {
  return new LogContradiction(
    `${signed.size} records were signed, but the log ends at ${head}: records were lost, or it is another log`,
  );
}
