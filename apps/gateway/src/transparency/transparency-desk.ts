import type { EventLogReader } from '#event-log/ports/event-log.js';
import { decodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { ReceiptId } from '#events/domain/ids.js';
import { TOPICS } from '#events/domain/topics.js';
import { parseCheckpoint } from '#transparency/domain/checkpoint.js';
import { bestCosigned } from '#transparency/domain/cosigned-notes.js';
import { encodeEntryBundle } from '#transparency/domain/entry-bundle.js';
import { TILE_WIDTH } from '#transparency/domain/merkle-tree.js';
import { tileWidth, type TileName } from '#transparency/domain/tile.js';
import { HASH_BYTES, type TreeHash } from '#transparency/domain/tree-hash.js';
import { formatVerifierKey } from '#transparency/domain/verifier-key.js';
import type { NoteSigner } from '#transparency/ports/note-signer.js';
import type { TileStore } from '#transparency/ports/tile-store.js';
import { createSha256TreeHash, NODE_CRYPTO, openTileStore } from '#transparency/transparency.module.js';
import { logVerifierKey } from '#transparency/usecases/log-sequencer.js';
import { proveEntry, type EntryProof } from '#transparency/usecases/prove-entry.js';
import { scanLog } from '../receipts/scan-log.js';

/** A receipt is sealed when its request ends. */
const REQUEST_MS_MAX = 10 * 60_000;
const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;

export interface TransparencyParts {
  /** Where the receipts are read from. */
  readonly reader: EventLogReader;
  /** `<dataDir>/transparency`. */
  readonly directory: string;
  /** Are trees made at all? Not in a shared mode without a common folder. Default true. */
  readonly exists?: boolean;
  readonly signer: Pick<NoteSigner, 'name' | 'publicKey'>;
}

/** Reads what the sequencer has made: proofs, checkpoints, tiles, keys. Signs nothing. */
export class TransparencyDesk {
  readonly #parts: TransparencyParts;
  readonly #hash: TreeHash = createSha256TreeHash();

  constructor(parts: TransparencyParts) {
    this.#parts = parts;
  }

  /** The record whose bytes are the receipt's leaf: the first that sealed it. `null` for another tenant's as for none. */
  findLeaf(tenantId: string, receiptId: ReceiptId): Promise<StoredRecord | null> {
    return scanLog(this.#parts.reader, TOPICS.receipts, receiptId, REQUEST_MS_MAX, (record) => {
      const decoded = decodeEvent(record);
      if (!decoded.ok || decoded.event.type !== 'nextmodel.receipt.sealed.v1') return null;
      return decoded.event.data.tenantId === tenantId ? record : null;
    });
  }

  get exists(): boolean {
    return this.#parts.exists ?? true;
  }

  prove(leaf: Pick<StoredRecord, 'partition' | 'offset'>): Promise<EntryProof> {
    return proveEntry(this.#store(leaf.partition), Number(leaf.offset), this.#hash);
  }

  /** Where the receipt stands and whether it can be proved yet; `null` when it is not found, or nothing is proved here. */
  async proofState(
    tenantId: string,
    receiptId: ReceiptId,
  ): Promise<{ readonly available: boolean; readonly log: string; readonly logIndex: number } | null> {
    const leaf = this.exists ? await this.findLeaf(tenantId, receiptId) : null;
    if (leaf === null) return null;
    const logIndex = Number(leaf.offset);
    const available = (await this.#size(leaf.partition)) > logIndex;
    return { available, log: `receipts/${leaf.partition}`, logIndex };
  }

  /** One key for each log, one a line, in the order of the partitions. */
  async keys(): Promise<string> {
    const partitions = await this.#parts.reader.partitions(TOPICS.receipts);
    const known = partitions.length === 0 ? [0] : [...partitions].sort((a, b) => a - b);
    const { signer } = this.#parts;
    return known
      .map((partition) => `${formatVerifierKey(logVerifierKey(signer, partition, NODE_CRYPTO.digest))}\n`)
      .join('');
  }

  checkpoint(partition: number): Promise<string | null> {
    return this.#store(partition).readCheckpoint();
  }

  /** The checkpoint that most witnesses have cosigned; `null` while there is none. */
  async cosigned(partition: number): Promise<string | null> {
    return bestCosigned(await this.#store(partition).readCosigned(), 0);
  }

  /** A tile at the width asked for; `null` unless the checkpoint covers all of it. */
  async tile(partition: number, { level, index, width }: TileName): Promise<Uint8Array | null> {
    if (level === 'entries' || width > tileWidth({ level, index }, await this.#size(partition))) return null;
    const tile = await this.#store(partition).readTile({ level, index });
    return tile === null || tile.length < width * HASH_BYTES ? null : tile.subarray(0, width * HASH_BYTES);
  }

  /**
   * The entries themselves, out of the log. They are receipts of all tenants: for the operator and auditors only.
   * `null` unless the checkpoint covers the bundle, the log still has it, and each entry is under 64 KiB.
   */
  async entries(partition: number, { index, width }: TileName): Promise<Uint8Array | null> {
    if (width > tileWidth({ level: 0, index }, await this.#size(partition))) return null;
    const first = index * TILE_WIDTH;
    const entries: Uint8Array[] = [];
    while (entries.length < width) {
      const { records } = await this.#parts.reader.read(
        { topic: TOPICS.receipts, partition, offset: BigInt(first + entries.length) },
        { recordsMax: width - entries.length, bytesMax: BUNDLE_BYTES_MAX, waitMs: 0 },
      );
      if (Number(records[0]?.offset ?? -1) !== first + entries.length) return null;
      for (const { value } of records) entries.push(value);
    }
    return encodeEntryBundle(entries);
  }

  async #size(partition: number): Promise<number> {
    const note = await this.checkpoint(partition);
    const parsed = note === null ? null : parseCheckpoint(note);
    return parsed === null || typeof parsed === 'string' ? 0 : parsed.checkpoint.size;
  }

  #store(partition: number): TileStore {
    return openTileStore(this.#parts.directory, partition);
  }
}
