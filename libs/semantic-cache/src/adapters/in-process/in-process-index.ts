import { rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CachePoint, Neighbour, VectorIndex } from '../../ports/vector-index.js';
import { encodeRemove, encodeUpsert, type EntryMeta, type Frame } from './entry-frames.js';
import { EntryLog } from './entry-log.js';
import { ScopePartition } from './scope-partition.js';

export interface InProcessIndexOptions {
  /** The entry log. */
  readonly path: string;
  /** The oldest entry goes when there are more. Default 100,000: about 150 MB of memory. */
  readonly entriesMax?: number;
  /** Dead bytes from which the file is rewritten when they are also more than half of it. Default 16 MB. */
  readonly garbageBytesMax?: number;
}

/** An entry in memory: its text stays on disk. */
class Entry {
  /** Place of the frame, and of the sealed text in it. */
  at = 0;
  bytes = 0;
  sealedAt = 0;
  constructor(readonly meta: EntryMeta) {}
  get expiresAtMs(): number {
    return this.meta.expiresAtMs;
  }
}

const COMPACTED_AT_A_TIME = 200;

/** Sign bits and exact re-ranking within a scope, in memory; entries in an append-only file with compaction. */
export class InProcessIndex implements VectorIndex {
  readonly #entriesMax: number;
  readonly #garbageBytesMax: number;
  /** In the order of writing: the first is the oldest. */
  readonly #entries = new Map<string, Entry>();
  readonly #scopes = new Map<string, ScopePartition<Entry>>();
  #log!: EntryLog;
  #liveBytes = 0;
  #compaction: Promise<void> | null = null;
  #closed = false;

  private constructor(private readonly options: InProcessIndexOptions) {
    this.#entriesMax = options.entriesMax ?? 100_000;
    this.#garbageBytesMax = options.garbageBytesMax ?? 16 * 1_024 * 1_024;
  }

  static async open(options: InProcessIndexOptions): Promise<InProcessIndex> {
    const index = new InProcessIndex(options);
    await rm(index.#compactPath, { force: true });
    index.#log = await EntryLog.open(options.path, (frame, at) => index.#replay(frame, at));
    index.#evict();
    return index;
  }

  upsert(points: readonly CachePoint[]): Promise<void> {
    const taken = points.filter((point) => !this.#hasLater(point));
    if (taken.length === 0) return Promise.resolve();
    const places = this.#log.append(taken.map(encodeUpsert));
    for (const [i, point] of taken.entries()) {
      const place = places[i];
      if (place === undefined) continue;
      // Within one batch the later write wins, too.
      if (this.#hasLater(point)) continue;
      const { vector, sealed, ...meta } = point;
      this.#put(meta, vector, place.at, place.bytes, place.bytes - sealed.length);
    }
    this.#evict();
    this.#compactIfWorthIt();
    return Promise.resolve();
  }

  get(id: string, nowMs: number): Promise<CachePoint | null> {
    const entry = this.#entries.get(id);
    return Promise.resolve(entry === undefined || entry.expiresAtMs <= nowMs ? null : this.#pointOf(entry));
  }

  nearest(scope: string, vector: Float32Array, limit: number, nowMs: number): Promise<readonly Neighbour[]> {
    const found = this.#scopes.get(scope)?.nearest(vector, limit, nowMs) ?? [];
    return Promise.resolve(found.map(({ entry, similarity }) => ({ point: this.#pointOf(entry), similarity })));
  }

  remove(filter: { receiptId?: string; scope?: string; tenantId?: string }): Promise<number> {
    const { receiptId, scope, tenantId } = filter;
    if (receiptId === undefined && scope === undefined && tenantId === undefined) return Promise.resolve(0);
    return Promise.resolve(
      this.#removeWhere(
        ({ meta }) =>
          (receiptId === undefined || meta.receiptId === receiptId) &&
          (scope === undefined || meta.scope === scope) &&
          (tenantId === undefined || meta.tenantId === tenantId),
      ),
    );
  }

  removeExpired(nowMs: number): Promise<number> {
    return Promise.resolve(this.#removeWhere((entry) => entry.expiresAtMs <= nowMs));
  }

  count(): Promise<number> {
    return Promise.resolve(this.#entries.size);
  }

  /** Rewrites the file now, live entries only, however little is dead in it. */
  async scrub(): Promise<void> {
    while (this.#compaction !== null) await this.#compaction;
    if (this.#closed) return;
    this.#compaction = this.#compact().finally(() => {
      this.#compaction = null;
    });
    await this.#compaction;
  }

  async flush(): Promise<void> {
    await this.#compaction;
    this.#log.sync();
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#compaction;
    this.#log.sync();
    this.#log.close();
  }

  get #compactPath(): string {
    return `${this.options.path}.compact`;
  }

  #hasLater({ id, storedAtMs }: EntryMeta): boolean {
    return (this.#entries.get(id)?.meta.storedAtMs ?? Number.NEGATIVE_INFINITY) > storedAtMs;
  }

  #replay(frame: Frame, at: number): void {
    if (frame.kind === 'remove') {
      const entry = this.#entries.get(frame.id);
      if (entry !== undefined) this.#forget(entry);
    } else if (!this.#hasLater(frame.meta)) this.#put(frame.meta, frame.vector, at, frame.bytes, frame.sealedAt);
  }

  #put(meta: EntryMeta, vector: Float32Array | null, at: number, bytes: number, sealedAt: number): void {
    const known = this.#entries.get(meta.id);
    if (known !== undefined) this.#forget(known);
    const entry = new Entry(meta);
    entry.at = at;
    entry.bytes = bytes;
    entry.sealedAt = sealedAt;
    this.#entries.set(meta.id, entry);
    this.#liveBytes += bytes;
    if (vector === null) return;
    let partition = this.#scopes.get(meta.scope);
    if (partition === undefined) {
      partition = new ScopePartition(vector.length);
      this.#scopes.set(meta.scope, partition);
    }
    // A vector of another length is of another embedder: the entry then matches exactly only.
    if (vector.length === partition.dimensions) partition.add(entry, vector);
  }

  #forget(entry: Entry): void {
    const { id, scope } = entry.meta;
    this.#entries.delete(id);
    this.#liveBytes -= entry.bytes;
    const partition = this.#scopes.get(scope);
    partition?.remove(entry);
    if (partition?.size === 0) this.#scopes.delete(scope);
  }

  #pointOf(entry: Entry): CachePoint {
    const { meta, at, bytes, sealedAt } = entry;
    const sealed = this.#log.read(at + sealedAt, bytes - sealedAt).toString('latin1');
    return { ...meta, vector: this.#scopes.get(meta.scope)?.vectorOf(entry) ?? null, sealed };
  }

  #removeWhere(matches: (entry: Entry) => boolean): number {
    const gone = [...this.#entries.values()].filter(matches);
    this.#drop(gone);
    return gone.length;
  }

  #evict(): void {
    const over = this.#entries.size - this.#entriesMax;
    if (over > 0) this.#drop([...this.#entries.values()].slice(0, over));
  }

  #drop(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#log.append(entries.map(({ meta }) => encodeRemove(meta.id)));
    for (const entry of entries) this.#forget(entry);
    this.#compactIfWorthIt();
  }

  #compactIfWorthIt(): void {
    const garbage = this.#log.bytes - this.#liveBytes;
    if (garbage < this.#garbageBytesMax || garbage < this.#liveBytes || this.#compaction !== null || this.#closed)
      return;
    this.#compaction = this.#compact()
      .catch(() => {
        // The old file stays whole and in use; the next write tries again.
      })
      .finally(() => {
        this.#compaction = null;
      });
  }

  /** Copies live frames in small steps, then what changed meanwhile in one, then renames. */
  async #compact(): Promise<void> {
    await rm(this.#compactPath, { force: true });
    const fresh = await EntryLog.open(this.#compactPath, () => {});
    const places = new Map<Entry, number>();
    const copy = (entries: readonly Entry[]): void => {
      if (entries.length === 0) return;
      const frames = entries.map(({ at, bytes }) => this.#log.read(at, bytes));
      for (const [i, { at }] of fresh.append(frames).entries()) places.set(entries[i] as Entry, at);
    };
    try {
      const before = [...this.#entries.values()];
      for (let i = 0; i < before.length; i += COMPACTED_AT_A_TIME) {
        copy(before.slice(i, i + COMPACTED_AT_A_TIME).filter((entry) => this.#isLive(entry)));
        await nextTurn();
      }
      const removed = [...places.keys()].filter((entry) => !this.#entries.has(entry.meta.id));
      if (removed.length > 0) fresh.append(removed.map(({ meta }) => encodeRemove(meta.id)));
      copy([...this.#entries.values()].filter((entry) => !places.has(entry)));
    } catch (error) {
      fresh.close();
      throw error;
    }
    this.#log.replaceBy(fresh);
    for (const [entry, at] of places) entry.at = at;
  }

  #isLive(entry: Entry): boolean {
    return this.#entries.get(entry.meta.id) === entry;
  }
}
