import { setTimeout as sleep } from 'node:timers/promises';
import { RouterError } from '#events/domain/router-error.js';
import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import type { CachePoint, VectorIndex } from '../ports/vector-index.js';
import { createContentIndexer, type ContentIndexerParts } from './index-content.js';

/** How far a rebuild is. */
export interface RebuildProgress {
  /** Records of the content topic read so far, and to read as known at the start. */
  readonly read: number;
  readonly total: number;
  /** Entries put into the new index so far, replaced ones counted again. */
  readonly indexed: number;
}

/** An index under construction beside the one in use. */
export interface FreshIndex {
  readonly index: VectorIndex;
  /** Entries it keeps at most; `null` = unbounded. */
  readonly entriesMax: number | null;
  /** Closes it and makes it the one in use, atomically. */
  switchTo(): Promise<void>;
  /** Closes and deletes it; the one in use stays as it is. */
  discard(): Promise<void>;
}

export interface RebuildParts extends Omit<ContentIndexerParts, 'index' | 'onDead' | 'deadLetter'> {
  readonly reader: EventLogReader;
  readonly fresh: FreshIndex;
  readonly onProgress?: (progress: RebuildProgress) => void;
}

export interface RebuildResult extends RebuildProgress {
  /** Distinct live entries: as the log says and as the new index says. Equal, or nothing was switched. */
  readonly entries: number;
  readonly skipped: number;
  readonly undecodable: number;
}

const READ_LIMITS = { recordsMax: 500, bytesMax: 8 * 1_024 * 1_024, waitMs: 0 };

/**
 * Reads the whole content topic into a fresh index, compares its count with what the log says, then switches.
 * The old index serves until the switch and stays in use when anything fails.
 * @throws RouterError `store_unavailable` when log or index fail, `internal` when the counts differ.
 */
export async function rebuildIndex(parts: RebuildParts): Promise<RebuildResult> {
  try {
    const result = await fill(parts);
    const expected = Math.min(result.entries, parts.fresh.entriesMax ?? Number.POSITIVE_INFINITY);
    await parts.fresh.index.flush();
    const held = await parts.fresh.index.count();
    if (held !== expected) {
      throw new RouterError({
        code: 'internal',
        publicMessage: `The rebuilt index holds ${held} entries, the log says ${expected}; the old index stays in use.`,
      });
    }
    await parts.fresh.switchTo();
    return { ...result, entries: held };
  } catch (error) {
    await parts.fresh.discard().catch(() => {});
    throw error;
  }
}

async function fill({ reader, fresh, onProgress, ...rest }: RebuildParts): Promise<RebuildResult> {
  const expected = new ExpectedEntries(fresh.index);
  const indexer = createContentIndexer({ ...rest, index: expected });
  const partitions = await Promise.all(
    (await reader.partitions(TOPICS.content)).map(async (partition) => ({
      partition,
      ...(await reader.bounds(TOPICS.content, partition)),
    })),
  );
  const total = partitions.reduce((sum, { first, head }) => sum + Number(head - first), 0);
  let read = 0;
  let awaited = 0;
  const tell = (): void => onProgress?.({ read, total, indexed: indexer.counts.indexed });
  tell();
  for (const { partition, first, head } of partitions) {
    let offset = first;
    while (offset < head) {
      const batch = await reader.read({ topic: TOPICS.content, partition, offset }, READ_LIMITS);
      if (batch.nextOffset <= offset) break;
      const outcome = await indexer.handle(batch);
      if (outcome.kind === 'again' && indexer.counts.awaited > awaited) {
        // Of a process that still runs: it hands the key over, or the content is too old to wait for.
        awaited = indexer.counts.awaited;
        await sleep(outcome.afterMs);
        continue;
      }
      if (outcome.kind === 'again') {
        throw new RouterError({
          code: 'store_unavailable',
          publicMessage: 'The new index or the embedder failed while the cache was being rebuilt. Run it again.',
          retryable: true,
          httpStatus: 503,
        });
      }
      read += batch.records.length;
      offset = batch.nextOffset;
      tell();
    }
  }
  const { indexed, skipped, dead } = indexer.counts;
  return { read, total, indexed, entries: expected.size, skipped, undecodable: dead };
}

/** Passes everything on and keeps a ledger of what the index ought to hold. */
class ExpectedEntries implements VectorIndex {
  readonly #ledger = new Map<
    string,
    Pick<CachePoint, 'receiptId' | 'scope' | 'tenantId' | 'storedAtMs' | 'expiresAtMs'>
  >();

  constructor(private readonly inner: VectorIndex) {}

  get size(): number {
    return this.#ledger.size;
  }

  async upsert(points: readonly CachePoint[]): Promise<void> {
    await this.inner.upsert(points);
    for (const { id, receiptId, scope, tenantId, storedAtMs, expiresAtMs } of points) {
      if ((this.#ledger.get(id)?.storedAtMs ?? Number.NEGATIVE_INFINITY) > storedAtMs) continue;
      this.#ledger.set(id, { receiptId, scope, tenantId, storedAtMs, expiresAtMs });
    }
  }

  async remove(filter: Parameters<VectorIndex['remove']>[0]): Promise<number> {
    for (const [id, entry] of this.#ledger) {
      const matches =
        (filter.receiptId === undefined || entry.receiptId === filter.receiptId) &&
        (filter.scope === undefined || entry.scope === filter.scope) &&
        (filter.tenantId === undefined || entry.tenantId === filter.tenantId);
      if (matches) this.#ledger.delete(id);
    }
    return this.inner.remove(filter);
  }

  get(id: string, nowMs: number): Promise<CachePoint | null> {
    return this.inner.get(id, nowMs);
  }

  nearest(...question: Parameters<VectorIndex['nearest']>): ReturnType<VectorIndex['nearest']> {
    return this.inner.nearest(...question);
  }

  removeExpired(nowMs: number): Promise<number> {
    for (const [id, { expiresAtMs }] of this.#ledger) if (expiresAtMs <= nowMs) this.#ledger.delete(id);
    return this.inner.removeExpired(nowMs);
  }

  count(): Promise<number> {
    return this.inner.count();
  }

  flush(): Promise<void> {
    return this.inner.flush();
  }

  ping(): Promise<void> {
    return this.inner.ping();
  }

  scrub(): Promise<void> {
    return this.inner.scrub();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
