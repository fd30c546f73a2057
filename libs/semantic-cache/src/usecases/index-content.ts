import { decodeEvent } from '#events/domain/event-codec.js';
import type { StoredRecord } from '#events/domain/event-record.js';
import { pass } from '#events/ports/failpoint.js';
import type { CacheInvalidated, ContentStored } from '#events/domain/router-event.js';
import type { BatchOutcome, RecordBatch } from '#event-log/ports/event-log.js';
import type { EmbeddedQuestion } from '../domain/cache-question.js';
import { entryIdOf, type Sha256Hex } from '../domain/cache-key.js';
import { parseSealedContent } from '../domain/sealed-content.js';
import { semanticTextRefusal } from '../domain/text-eligibility.js';
import type { ContentCipher, ErasableContentCipher } from '../ports/content-cipher.js';
import type { Embedder } from '../ports/embedder.js';
import type { CachePoint, VectorIndex } from '../ports/vector-index.js';
import { unpackVector } from './embedded-vector.js';

/** A content event that will never be readable, without its text. */
export interface DeadContent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly reason: string;
}

export interface ContentIndexerParts {
  readonly index: VectorIndex;
  /** `null` = no semantic tier: entries get no vector and match exactly and by normal form only. */
  readonly embedder: (() => Promise<Embedder> | Embedder) | null;
  readonly cipher: ContentCipher | ErasableContentCipher;
  readonly sha256Hex: Sha256Hex;
  readonly nowMs: () => number;
  readonly onDead?: (dead: DeadContent) => void;
  /** Puts a record into the dead letters; when it rejects, the batch comes again. */
  readonly deadLetter?: (record: StoredRecord, reason: string) => Promise<void>;
}

export interface ContentIndexer {
  /** Takes a batch of `nextmodel.content` (and `subject.erased` of the control topic). Idempotent; never rejects. */
  handle(batch: RecordBatch): Promise<BatchOutcome>;
  readonly counts: IndexCounts;
}

interface IndexCounts {
  indexed: number;
  /** Expired, or unreadable because the subject was erased. */
  skipped: number;
  invalidations: number;
  dead: number;
  /** How often a batch had to wait for a key that another process made a moment ago. */
  awaited: number;
}

const INDEX_RETRY_MS = 1_000;
const EMBEDDER_RETRY_MS = 2_000;
const KEY_RETRY_MS = 500;
const SWEEP_EVERY_MS = 300_000;

interface ReadEntry {
  readonly point: CachePoint;
  readonly question: string;
  readonly embedded: EmbeddedQuestion | undefined;
}

type Reading =
  | ({ readonly kind: 'point' } & ReadEntry)
  | { readonly kind: 'skip' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'dead'; readonly reason: string };

/** Follows the content topic: stored answers into the index, invalidations out of it, in the order of the log. */
export function createContentIndexer(parts: ContentIndexerParts): ContentIndexer {
  const { index } = parts;
  const counts: IndexCounts = { indexed: 0, skipped: 0, invalidations: 0, dead: 0, awaited: 0 };

  let sweptAtMs = parts.nowMs();
  /** Expired entries answer nothing any more; this only makes room. */
  const sweep = async (): Promise<void> => {
    const nowMs = parts.nowMs();
    if (nowMs - sweptAtMs < SWEEP_EVERY_MS) return;
    sweptAtMs = nowMs;
    await index.removeExpired(nowMs);
  };

  const bury = async (record: StoredRecord, reason: string): Promise<void> => {
    const { topic, partition, offset } = record;
    await parts.deadLetter?.(record, reason);
    counts.dead++;
    parts.onDead?.({ topic, partition, offset: offset.toString(), reason });
  };

  const take = async (records: readonly StoredRecord[]): Promise<BatchOutcome> => {
    let pending: ReadEntry[] = [];
    let embedderFailed = false;
    let erased = false;
    const flush = async (): Promise<void> => {
      if (pending.length === 0) return;
      const { points, failed } = await embedAll(parts.embedder, pending);
      embedderFailed ||= failed;
      await index.upsert(points);
      pass('cache_indexed');
      counts.indexed += points.length;
      pending = [];
    };
    for (const record of records) {
      const decoded = decodeEvent(record);
      if (!decoded.ok) {
        await bury(record, `${decoded.reason}: ${decoded.detail}`);
        continue;
      }
      const { event } = decoded;
      if (event.type === 'nextmodel.content.stored.v1') {
        const reading = await readStored(event.data, parts);
        if (reading.kind === 'wait') {
          await flush();
          counts.awaited++;
          return { kind: 'again', afterMs: KEY_RETRY_MS };
        }
        if (reading.kind === 'point') pending.push(reading);
        else if (reading.kind === 'dead') await bury(record, reading.reason);
        else counts.skipped++;
      } else if (event.type === 'nextmodel.cache.invalidated.v1') {
        await flush();
        await index.remove(filterOf(event.data));
        counts.invalidations++;
        erased ||= event.data.reason === 'erased';
      } else if (event.type === 'nextmodel.subject.erased.v1' && 'erase' in parts.cipher) {
        await parts.cipher.erase(event.data.subject, Date.parse(event.data.erasedAt));
      }
    }
    await flush();
    if (erased) await index.scrub();
    await sweep();
    return embedderFailed ? { kind: 'again', afterMs: EMBEDDER_RETRY_MS } : { kind: 'done' };
  };

  return {
    counts,
    handle: (batch) => take(batch.records).catch((): BatchOutcome => ({ kind: 'again', afterMs: INDEX_RETRY_MS })),
  };
}

function filterOf({ tenantId, receiptId, scope }: CacheInvalidated): Parameters<VectorIndex['remove']>[0] {
  return { tenantId, ...(receiptId === null ? {} : { receiptId }), ...(scope === null ? {} : { scope }) };
}

async function readStored(event: ContentStored, { cipher, sha256Hex, nowMs }: ContentIndexerParts): Promise<Reading> {
  const storedAtMs = Date.parse(event.storedAt);
  const expiresAtMs = Date.parse(event.expiresAt);
  if (Number.isNaN(storedAtMs) || Number.isNaN(expiresAtMs) || typeof event.epoch !== 'number') {
    return { kind: 'dead', reason: 'malformed: times or epoch' };
  }
  if (expiresAtMs <= nowMs()) return { kind: 'skip' };
  const state = cipher.keyState(event.keyId, storedAtMs);
  const key = typeof state === 'string' ? state : await state;
  if (key === 'awaited') return { kind: 'wait' };
  const plain = key === 'held' ? cipher.open(event.keyId, event.sealed) : null;
  if (plain === null) return { kind: 'skip' };
  const content = parseSealedContent(plain);
  if (content === null) return { kind: 'dead', reason: 'malformed: sealed content' };
  if (content.scope !== event.scope) return { kind: 'dead', reason: 'malformed: scope differs from the sealed one' };
  const { scope, tenantId, epoch, receiptId, sealed, keyId } = event;
  const id = entryIdOf(scope, content.question, content.exactHash, sha256Hex);
  const point = { id, scope, tenantId, epoch, storedAtMs, expiresAtMs, receiptId, vector: null, sealed, keyId };
  return { kind: 'point', point, question: content.question, embedded: content.embedded };
}

/**
 * An embedder that fails costs the vectors for now, not the entries: exact look-ups work in the meantime. A remote one
 * is not asked: what is not with the answer already would be a call that stands on no receipt.
 */
async function embedAll(
  embedder: ContentIndexerParts['embedder'],
  pending: readonly ReadEntry[],
): Promise<{ readonly points: CachePoint[]; readonly failed: boolean }> {
  const points: CachePoint[] = [];
  let failed = false;
  for (const { point, question, embedded } of pending) {
    let vector: Float32Array | null = null;
    if (embedder !== null && !failed && semanticTextRefusal(question) === null) {
      try {
        const at = await embedder();
        vector = at.remote === true ? unpackVector(at, embedded) : await at.embed(question);
      } catch {
        failed = true;
      }
    }
    points.push(vector === null ? point : { ...point, vector });
  }
  return { points, failed };
}
