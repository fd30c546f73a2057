import type { EventLogReader } from '#event-log/ports/event-log.js';
import { decodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import type { ReceiptId } from '#events/domain/ids.js';
import { TOPICS } from '#events/domain/topics.js';
import { withinTime } from '#semantic-cache/usecases/within-time.js';
import { parseCheckpoint } from '#transparency/domain/checkpoint.js';
import { bestCosigned } from '#transparency/domain/cosigned-notes.js';
import { ENTRY_BYTES_MAX, encodeEntryBundle } from '#transparency/domain/entry-bundle.js';
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
const ONE = { recordsMax: 1, bytesMax: 1024 * 1024, waitMs: 0 };
/** SQL that is slower than this is not waited for: the log knows as well. */
const PLACE_MS_MAX = 1_000;

export interface TransparencyParts {
  /** Where the receipts are read from. */
  readonly reader: EventLogReader;
  /** `<dataDir>/transparency`. */
  readonly directory: string;
  /** Are trees made at all? Not in a shared mode without a common folder. Default true. */
  readonly exists?: boolean;
  readonly signer: Pick<NoteSigner, 'name' | 'publicKey'>;
  /**
   * Where SQL says that a receipt stands: one look instead of a search through all partitions. What stands there is
   * checked, and without an answer the log is searched. Default: always searched.
   */
  readonly findPlace?: (tenantId: string, receiptId: string) => Promise<Place | null>;
}

type Place = Pick<StoredRecord, 'partition' | 'offset'>;

/** Entries of the log, one after the other, as C2SP tlog-tiles has them. */
export type EntryBundle =
  | { readonly kind: 'bundle'; readonly bytes: Uint8Array }
  /** Not under the checkpoint, or the log no longer has all of it. */
  | { readonly kind: 'missing' }
  /** An entry that is no receipt of ours: it has a leaf hash, but the format holds 65,535 bytes at most. */
  | { readonly kind: 'too_long'; readonly index: number };

/** Reads what the sequencer has made: proofs, checkpoints, tiles, keys. Signs nothing. */
export class TransparencyDesk {
  readonly #parts: TransparencyParts;
  readonly #hash: TreeHash = createSha256TreeHash();

  constructor(parts: TransparencyParts) {
    this.#parts = parts;
  }

  /** The record whose bytes are the receipt's leaf: the first that sealed it. `null` for another tenant's as for none. */
  async findLeaf(tenantId: string, receiptId: ReceiptId): Promise<StoredRecord | null> {
    const pick = (record: StoredRecord): StoredRecord | null => {
      const decoded = decodeEvent(record);
      if (!decoded.ok || decoded.event.type !== 'nextmodel.receipt.sealed.v1') return null;
      const { data } = decoded.event;
      return data.tenantId === tenantId && data.receiptId === receiptId ? record : null;
    };
    const known = await this.#atKnownPlace(tenantId, receiptId).catch(() => null);
    return (
      (known === null ? null : pick(known)) ??
      scanLog(this.#parts.reader, TOPICS.receipts, receiptId, REQUEST_MS_MAX, pick)
    );
  }

  /** Rejects, and gives `null`, for whatever keeps it from one quick look. */
  async #atKnownPlace(tenantId: string, receiptId: ReceiptId): Promise<StoredRecord | null> {
    const { findPlace, reader } = this.#parts;
    if (findPlace === undefined) return null;
    const place = await withinTime(findPlace(tenantId, receiptId), PLACE_MS_MAX);
    if (place === null) return null;
    const { records } = await reader.read({ topic: TOPICS.receipts, ...place }, ONE);
    return records[0]?.offset === place.offset ? records[0] : null;
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
   */
  async entries(partition: number, { index, width }: TileName): Promise<EntryBundle> {
    if (width > tileWidth({ level: 0, index }, await this.#size(partition))) return { kind: 'missing' };
    const first = index * TILE_WIDTH;
    const entries: Uint8Array[] = [];
    while (entries.length < width) {
      const { records } = await this.#parts.reader.read(
        { topic: TOPICS.receipts, partition, offset: BigInt(first + entries.length) },
        { recordsMax: width - entries.length, bytesMax: BUNDLE_BYTES_MAX, waitMs: 0 },
      );
      if (Number(records[0]?.offset ?? -1) !== first + entries.length) return { kind: 'missing' };
      for (const { value } of records) entries.push(value);
    }
    const bytes = encodeEntryBundle(entries);
    if (bytes !== null) return { kind: 'bundle', bytes };
    return { kind: 'too_long', index: first + entries.findIndex(({ length }) => length > ENTRY_BYTES_MAX) };
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
